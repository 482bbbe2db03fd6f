// Trees and repositories for comparing with the original.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';

const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', OSTREE_DUMMY_SIGN_ENABLED: '1' };

/** OSTREE_JUDGE names another original, e.g. of release 2026.4. */
export const judge = process.env['OSTREE_JUDGE'] ?? 'ostree';

/** The original's release. */
export const judgeLevel = /Version: '([^']+)'/.exec(
  spawnSync(judge, ['--version'], { encoding: 'utf8' }).stdout ?? '',
)?.[1];

/** Why tests against the original are skipped here; in CI a missing tool fails instead. */
export const skipReason: string | undefined = (() => {
  if (judgeLevel === undefined) {
    if (process.env['CI'] === 'true') throw new Error('ostree is missing');
    return 'ostree is not installed';
  }
  return process.getuid?.() === 0 ? undefined : 'owners and bare repositories need root';
})();

export function original(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(judge, args, { encoding: 'utf8', env });
}

/** Standard output of the original; throws with its message when it fails. */
export function originalOutput(...args: string[]): string {
  const { status, stdout, stderr } = original(...args);
  if (status !== 0) throw new Error(`ostree ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export function scratch(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'ostree-interop-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A tree with everything that commits must keep: attributes, owners, set-id bits, capabilities, links, odd names, holes. */
export function oddTree(path: string): void {
  mkdirSync(join(path, 'd/deep'), { recursive: true });
  const file = (name: string, content: string | Buffer, mode = 0o644, uid = 0, gid = 0): string => {
    const full = join(path, name);
    writeFileSync(full, content);
    lchownSync(full, uid, gid);
    chmodSync(full, mode);
    return full;
  };
  file('a.txt', 'hi\n');
  linkSync(join(path, 'a.txt'), join(path, 'hard'));
  file('empty', '', 0o600, 1000, 1001);
  file('d/run', 'x', 0o4755);
  file('d/secret', 'top', 0o000, 3, 4);
  for (const name of [
    'with space',
    `quo"te'`,
    'new\nline',
    'é',
    '\u{10000}',
    '\uffee',
    '-dash',
    '\\back',
    '.hidden',
    'x'.repeat(255),
  ]) {
    file(name, `named ${name}`);
  }
  const attributes = file('attributes', 'xattrs');
  hostFs.setxattr(attributes, 'user.zz', Buffer.from('1'));
  hostFs.setxattr(attributes, 'user.aa', Buffer.from('two'));
  hostFs.setxattr(attributes, 'user.empty', Buffer.alloc(0));
  hostFs.setxattr(attributes, 'user.long', Buffer.alloc(1000, 7));
  const capable = file('capable', '\x7fELF not really', 0o755);
  hostFs.setxattr(capable, 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'));
  symlinkSync('a.txt', join(path, 'lnk'));
  lchownSync(join(path, 'lnk'), 5, 6);
  hostFs.setxattr(join(path, 'lnk'), 'trusted.link', Buffer.from('3'));
  symlinkSync('/nowhere/at/all', join(path, 'd/dangling'));
  hostFs.setxattr(join(path, 'd/deep'), 'user.dir', Buffer.from('d'));
  chmodSync(join(path, 'd/deep'), 0o1777);
  file('holes', '');
  truncateSync(join(path, 'holes'), 3_000_000);
  file('big', Buffer.alloc(5_000_000, 'The quick brown fox. '));
  for (const size of [65535, 65536, 1 << 20, (1 << 20) + 1]) file(`size${size}`, Buffer.alloc(size, `${size},`));
  let deep = path;
  for (let i = 0; i < 40; i++) deep = join(deep, `level${i}`);
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'bottom'), 'reached');
}

/** One line for everything about each entry below a folder; `times` also compares modification times of files. */
export function describeTree(root: string, options: { times?: boolean; links?: boolean } = {}): string[] {
  const out: string[] = [];
  const visit = (path: string): void => {
    const stat = lstatSync(join(root, path));
    const type = stat.mode & 0o170000;
    const attributes = hostFs
      .listxattr(join(root, path))
      .sort()
      .map((name) => `${name}=${hostFs.getxattr(join(root, path), name)?.toString('hex')}`);
    const content =
      type === 0o100000
        ? `${stat.size}:${Buffer.from(readFileSync(join(root, path)))
            .subarray(0, 64)
            .toString('latin1')}`
        : type === 0o120000
          ? readlinkSync(join(root, path))
          : '';
    const time = options.times === true && type !== 0o120000 ? (stat.mtimeMs === 0 ? 'epoch' : 'now') : '';
    const links = options.links === true && type === 0o100000 ? String(stat.nlink) : '';
    out.push([path, stat.mode.toString(8), stat.uid, stat.gid, links, time, ...attributes, content].join(' '));
    if (type === 0o040000) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
  };
  visit('');
  return out;
}
