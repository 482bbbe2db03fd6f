import { dirname } from 'node:path';
import { CoppiceError, concatBytes } from '@coppice/base';
import { child, type Fields, isTrue, list, maybeInt, maybeText, text } from '@coppice/ignition';
import { readFile } from '@coppice/linux';
import type { Accounts } from './passwd/accounts.ts';
import { entryError, isDirectory, isLink, isRegular, type Root } from './root.ts';
import { type FetchSource, readResource } from './source.ts';

// Directories, files and links: shallow before deep, hard links last, each resolved inside the root.

interface Entry {
  readonly kind: 'directory' | 'file' | 'link';
  readonly node: Fields;
  readonly resolved: string;
}

/** Creates the nodes of `storage`; `touched` gets each path for relabelling. */
export async function createNodes(
  storage: Fields | undefined,
  root: Root,
  accounts: Accounts,
  fetch: FetchSource,
  touched: (path: string) => void,
): Promise<void> {
  for (const entry of plan(storage, root)) {
    try {
      // Earlier entries may have changed what the path leads to.
      const path = root.resolve(text(entry.node, 'path'));
      root.makeDirectories(dirname(path));
      if (entry.kind === 'directory') createDirectory(entry.node, path, root, accounts);
      else if (entry.kind === 'file') await createFile(entry.node, path, root, accounts, fetch);
      else createLink(entry.node, path, root, accounts);
      root.syncDirectory(dirname(path));
      touched(path);
    } catch (error) {
      throw entryError(text(entry.node, 'path'), error);
    }
  }
}

function plan(storage: Fields | undefined, root: Root): Entry[] {
  const entries: Entry[] = [];
  const hard: Entry[] = [];
  const claimed = new Map<string, string>();
  for (const [kind, name] of [
    ['directory', 'directories'],
    ['file', 'files'],
    ['link', 'links'],
  ] as const)
    for (const node of list(storage, name)) {
      const path = text(node, 'path');
      const resolved = root.resolve(path);
      const other = claimed.get(resolved);
      if (other !== undefined)
        throw new CoppiceError(
          'Conflict',
          `${kind} at ${path} resolved to ${resolved} after symlink chasing, but another entry with path ${other} also resolves there`,
        );
      claimed.set(resolved, path);
      (kind === 'link' && isTrue(node, 'hard') ? hard : entries).push({ kind, node, resolved });
    }
  const depth = (entry: Entry): number => entry.resolved.split('/').filter((part) => part !== '').length;
  return [...entries.sort((a, b) => depth(a) - depth(b)), ...hard];
}

/** Owner of a node: what it names, else what is there. */
function ownerOf(
  node: Fields,
  accounts: Accounts,
  fallback: { uid: number; gid: number },
): { uid: number; gid: number } {
  const pick = (part: Fields | undefined, byName: (name: string) => number, otherwise: number): number => {
    const id = maybeInt(part, 'id');
    if (id !== undefined) return Number(id);
    const name = maybeText(part, 'name');
    return name === undefined || name === '' ? otherwise : byName(name);
  };
  return {
    uid: pick(child(node, 'user'), (name) => accounts.uidOf(name), fallback.uid),
    gid: pick(child(node, 'group'), (name) => accounts.gidOf(name), fallback.gid),
  };
}

function modeOf(node: Fields, fallback: number): number {
  const mode = maybeInt(node, 'mode');
  return mode === undefined ? fallback : Number(mode);
}

function createDirectory(node: Fields, path: string, root: Root, accounts: Accounts): void {
  if (isTrue(node, 'overwrite') && path !== '/') root.remove(path);
  const stat = root.lstat(path);
  if (stat !== undefined && !isDirectory(stat))
    throw new CoppiceError(
      'Exists',
      `error creating directory ${path}: A non-directory already exists and overwrite is false`,
    );
  const { uid, gid } = ownerOf(node, accounts, stat ?? { uid: 0, gid: 0 });
  if (stat === undefined) root.fs.mkdir(root.host(path), 0o755);
  root.fs.chmod(root.host(path), modeOf(node, (stat?.mode ?? 0o755) & 0o7777));
  root.chown(path, uid, gid);
}

async function createFile(
  node: Fields,
  path: string,
  root: Root,
  accounts: Accounts,
  fetch: FetchSource,
): Promise<void> {
  const contents = child(node, 'contents');
  const hasContents = maybeText(contents, 'source') !== undefined;
  const append = list(node, 'append');
  const present = root.lstat(path);
  const overwrite = isTrue(node, 'overwrite');
  if (present !== undefined && !overwrite) {
    if (!isRegular(present))
      throw new CoppiceError(
        'Exists',
        `error creating file "${path}": A non regular file exists there already and overwrite is false`,
      );
    if (hasContents)
      throw new CoppiceError(
        'Exists',
        `error creating file "${path}": A file exists there already and overwrite is false`,
      );
  }
  const stat = overwrite ? undefined : present;
  const { uid, gid } = ownerOf(node, accounts, stat ?? { uid: 0, gid: 0 });
  const mode = maybeInt(node, 'mode');
  if (stat !== undefined && !hasContents) {
    if (append.length > 0) {
      const parts: Uint8Array[] = [readFile(root.host(path), { fs: root.fs })];
      for (const more of append) parts.push(await readResource(more, fetch));
      root.rewriteFile(path, concatBytes(parts), stat);
    }
    root.setOwner(path, uid, gid, mode === undefined ? undefined : Number(mode));
    return;
  }
  const parts: Uint8Array[] = [];
  if (hasContents) parts.push(await readResource(contents!, fetch));
  for (const more of append) parts.push(await readResource(more, fetch));
  if (present !== undefined && !isRegular(present)) root.remove(path);
  root.writeFile(path, concatBytes(parts), mode === undefined ? 0o644 : Number(mode), uid, gid);
}

function createLink(node: Fields, path: string, root: Root, accounts: Accounts): void {
  const target = text(node, 'target');
  if (isTrue(node, 'overwrite')) root.remove(path);
  const stat = root.lstat(path);
  if (isTrue(node, 'hard')) {
    const from = root.resolve(target);
    const source = root.lstat(from);
    if (source === undefined) throw new CoppiceError('NotFound', `link ${from} ${path}: no such file or directory`);
    if (stat !== undefined) {
      if (stat.dev === source.dev && stat.ino === source.ino) return;
      throw new CoppiceError(
        'Exists',
        `error creating hard link ${path}: a file already exists at that path and overwrite is false`,
      );
    }
    root.fs.link(root.host(from), root.host(path));
    return;
  }
  if (stat !== undefined) {
    if (!isLink(stat))
      throw new CoppiceError(
        'Exists',
        `error creating symlink ${path}: a non symlink already exists at that path and overwrite is false`,
      );
    const old = root.fs.readlink(root.host(path));
    if (old === target) return;
    throw new CoppiceError(
      'Exists',
      `error creating symlink ${path}: a symlink exists at that path but points to ${old}, not ${target} and overwrite is false`,
    );
  }
  const { uid, gid } = ownerOf(node, accounts, { uid: 0, gid: 0 });
  root.fs.symlink(target, root.host(path));
  root.chown(path, uid, gid);
}
