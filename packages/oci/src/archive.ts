// `oci-archive:` an image layout in one tar file.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { readTar, type TarMember, writeTar } from '@coppice/archive';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFileChunks } from '@coppice/linux';
import { OciLayout } from './layout.ts';

const blobName = /^blobs\/sha256\/[0-9a-f]{64}$/;
const documents: ReadonlySet<string> = new Set(['oci-layout', 'index.json']);

function writeAll(fd: number, chunks: Iterable<Uint8Array>): void {
  for (const chunk of chunks) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
}

/** Unpacks an archive into `scratch`, a directory of the caller's, and opens the layout. Throws `NotFound`, `Corrupt`. */
export function unpackOciArchive(path: string, scratch: string): OciLayout {
  mkdirSync(join(scratch, 'blobs/sha256'), { recursive: true, mode: 0o700 });
  try {
    const { size } = statSync(path);
    for (const entry of readTar(readFileChunks(path))) {
      const name = entry.path.replace(/^\.\//, '');
      // Nothing else in there is needed.
      if (entry.type !== 'file' || !(documents.has(name) || blobName.test(name))) continue;
      // Files with holes, of which the archive holds a few bytes, may be without end.
      if (entry.size > size) throw new CoppiceError('Corrupt', `${name}: larger than its archive`);
      const fd = openSync(join(scratch, name), 'w', 0o600);
      try {
        writeAll(fd, entry.data());
      } finally {
        closeSync(fd);
      }
    }
  } catch (error) {
    throw errnoError(error, path);
  }
  return OciLayout.open(scratch);
}

/** Puts a layout into an archive, members in order of their names; the file appears whole or not at all. */
export function packOciArchive(layout: OciLayout, path: string): void {
  const blobs = readdirSync(join(layout.path, 'blobs/sha256')).sort();
  const names = [...blobs.map((blob) => `blobs/sha256/${blob}`), 'index.json', 'oci-layout'];
  const member = (name: string, type: 'file' | 'directory'): TarMember => ({
    path: name,
    type,
    mode: type === 'file' ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    uname: '',
    gname: '',
    size: type === 'file' ? statSync(join(layout.path, name)).size : 0,
    mtime: 0,
    linkTarget: '',
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
    ...(type === 'file' ? { content: readFileChunks(join(layout.path, name)) } : {}),
  });
  const members = [
    member('blobs', 'directory'),
    member('blobs/sha256', 'directory'),
    ...names.map((name) => member(name, 'file')),
  ];
  const temporary = `${path}.${process.pid}.partial`;
  const fd = openSync(temporary, 'w', 0o644);
  try {
    try {
      writeAll(fd, writeTar(members, { format: 'gnu' }));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    const directory = openSync(dirname(path), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw errnoError(error, path);
  }
}
