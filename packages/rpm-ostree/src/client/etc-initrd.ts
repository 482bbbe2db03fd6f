// An image for the boot loader to add to the initramfs: the tracked files of /etc as they are now.
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type CpioFields, type CpioMember, writeCpio } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { stageOverlayInitrd } from '@coppice/sysroot';
import type { Client } from './client.ts';
import { configDir } from './repo-metadata.ts';

function fields(name: string, ino: number, mode: number, size: number): CpioFields {
  return {
    name,
    ino,
    mode,
    uid: 0,
    gid: 0,
    nlink: 1,
    mtime: 0,
    size,
    devMajor: 0,
    devMinor: 0,
    rdevMajor: 0,
    rdevMinor: 0,
  };
}

/** Files and directories of `paths` (absolute, below /etc) as cpio members, parents first, in order of names. */
function members(etc: string, paths: readonly string[]): CpioMember[] {
  const seen = new Set<string>();
  const out: CpioMember[] = [];
  const add = (name: string): void => {
    if (name === '.' || name === '' || seen.has(name)) return;
    add(dirname(name));
    seen.add(name);
    const path = join(etc, name.slice('etc'.length));
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new CoppiceError('NotFound', `Adding /${name}: No such file or directory`);
    const ino = seen.size;
    if (stat.isDirectory()) out.push({ fields: fields(name, ino, stat.mode, 0) });
    else if (!stat.isFile() && !stat.isSymbolicLink())
      throw new CoppiceError('Unsupported', `Adding /${name}: Invalid non-regfile/symlink/directory: ${name}`);
    else {
      const data = stat.isSymbolicLink() ? Buffer.from(readlinkSync(path)) : readFileSync(path);
      out.push({ fields: fields(name, ino, stat.mode, data.length), data: [data] });
    }
  };
  const addAll = (name: string): void => {
    add(name);
    const path = join(etc, name.slice('etc'.length));
    if (lstatSync(path).isDirectory()) for (const child of readdirSync(path).sort()) addAll(`${name}/${child}`);
  };
  for (const path of [...paths].sort()) {
    const parts = path.replace(/\/+$/, '').slice(1).split('/');
    if (parts[0] !== 'etc' || parts.some((p) => p === '' || p === '.' || p === '..'))
      throw new CoppiceError('Usage', `invalid path ${path}: must be canonical`);
    addAll(parts.join('/'));
  }
  return out;
}

/** Builds the image and stages it; returns its checksum for the deployment, or undefined when nothing is tracked. */
export function stageEtcInitrd(client: Client, tracked: readonly string[]): string | undefined {
  if (tracked.length === 0) return undefined;
  const cpio = Buffer.concat([...writeCpio(members(configDir(client), tracked))].map((c) => Buffer.from(c)));
  const dir = mkdtempSync(join(tmpdir(), 'initramfs-etc-'));
  try {
    const path = join(dir, 'overlay.img');
    // mtime 0 in the gzip header: the same files give the same image.
    writeFileSync(path, gzipSync(cpio, { level: 9 }));
    return stageOverlayInitrd(client.sysroot, path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
