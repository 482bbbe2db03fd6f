// The members of an ordinary container layer that belong into a system image, named as libostree wants them.
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Chunks, readTar, type TarEntry, type TarMember, writeTar } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { readFileChunks } from '@coppice/linux';

/** Where builders see the base image's files: content objects of the encapsulated commit. */
const repoPrefix = 'sysroot/ostree/repo/';
/** Kept at the top of the image. */
const kept: ReadonlySet<string> = new Set(['usr', 'var']);

/** Path without `.` and empty parts. Throws `Invalid` for `..`. */
function clean(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new CoppiceError('Invalid', `Invalid path: ${path}`);
  return parts.join('/');
}

/** Where a path goes: `/etc` to `/usr/etc`; `{dropped}` names the top-level directory of what has no place. */
export function placeOf(path: string): { readonly path: string } | { readonly dropped: string } {
  const whole = clean(path);
  const slash = whole.indexOf('/');
  const top = slash < 0 ? whole : whole.slice(0, slash);
  if (top === '' || kept.has(top)) return { path: whole };
  if (top === 'etc') return { path: `usr/${whole}` };
  return { dropped: top };
}

/**
 * Objects of the base that a build changed come as files below the repository, and their names as hard links to them: the
 * first name becomes the file, the others links to that one.
 */
class ChangedObjects {
  readonly #scratch: string;
  readonly #files = new Map<string, { readonly entry: TarEntry; readonly path: string }>();
  readonly #names = new Map<string, string>();

  constructor(scratch: string) {
    this.#scratch = join(scratch, 'changed');
  }

  keep(entry: TarEntry): void {
    mkdirSync(this.#scratch, { recursive: true, mode: 0o700 });
    const path = join(this.#scratch, String(this.#files.size));
    const fd = openSync(path, 'wx', 0o600);
    try {
      for (const chunk of entry.data()) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    } finally {
      closeSync(fd);
    }
    this.#files.set(clean(entry.path), { entry, path });
  }

  /** The member that stands for a link to an object; undefined when that object did not change. */
  resolve(name: string, target: string): TarMember | undefined {
    const known = this.#names.get(target);
    const file = this.#files.get(target);
    if (file === undefined) return undefined;
    if (known !== undefined) return { ...file.entry, path: name, type: 'hardlink', linkTarget: known, size: 0 };
    this.#names.set(target, name);
    return { ...file.entry, path: name, content: readFileChunks(file.path) };
  }

  clear(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

export interface FilteredLayer {
  /** The layer as a tar archive that `importArchive` takes, while it is read. */
  readonly archive: Chunks;
  /** Members left out, by top-level directory; complete when the archive was read. */
  readonly filtered: ReadonlyMap<string, number>;
}

/** Filters the plain tar of a layer. `scratch` is a directory of the caller's. Throws `Invalid`, `Corrupt` while it is read. */
export function filterLayer(tar: Chunks, scratch: string): FilteredLayer {
  const filtered = new Map<string, number>();
  function* members(): Generator<TarMember> {
    const objects = new ChangedObjects(scratch);
    try {
      for (const entry of readTar(tar, { globalRecords: false })) {
        const whole = clean(entry.path);
        if (whole.startsWith(repoPrefix) && entry.type === 'file' && entry.mtime > 0) {
          objects.keep(entry);
          continue;
        }
        const place = placeOf(whole);
        if ('dropped' in place) {
          filtered.set(place.dropped, (filtered.get(place.dropped) ?? 0) + 1);
          continue;
        }
        if (entry.type !== 'hardlink') {
          yield { ...entry, path: place.path === '' ? '.' : place.path, content: entry.data() };
          continue;
        }
        const target = clean(entry.linkTarget);
        if (target.startsWith(repoPrefix)) {
          const member = objects.resolve(place.path, target);
          if (member !== undefined) yield member;
          continue;
        }
        const targetPlace = placeOf(target);
        if ('dropped' in targetPlace)
          throw new CoppiceError('Invalid', `${whole}: hard link to ${target}, which is not part of the system`);
        yield { ...entry, path: place.path, linkTarget: targetPlace.path };
      }
    } finally {
      objects.clear();
    }
  }
  return { archive: writeTar(members(), { format: 'pax' }), filtered };
}
