// Archives in every dialect, plain and compressed, imported into a repository, and what comes of them checked out.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkout, importArchive, MutableTree, Repo } from '@coppice/ostree';
import fc from 'fast-check';
import { damaged, type FuzzTarget } from './target.ts';

function makeTree(tree: string): void {
  mkdirSync(join(tree, 'd/deep'), { recursive: true });
  writeFileSync(join(tree, 'd/file'), 'hello');
  writeFileSync(join(tree, `d/deep/${'long'.repeat(40)}`), 'long name');
  symlinkSync('d', join(tree, 'link'));
  symlinkSync('x'.repeat(150), join(tree, 'longlink'));
  spawnSync('ln', [join(tree, 'd/file'), join(tree, 'hard')]);
  spawnSync('setfattr', ['-n', 'user.a', '-v', 'value', join(tree, 'd/file')]);
  writeFileSync(join(tree, 'holes'), 'start');
  truncateSync(join(tree, 'holes'), 300_000);
}

/** GNU tar's dialects, with and without holes and attributes; cpio. */
function seedsOf(base: string): { plain: Buffer[]; packed: Buffer[]; cpio: Buffer[] } {
  const tree = join(base, 'seed');
  makeTree(tree);
  const tar = (...args: string[]): Buffer =>
    spawnSync('tar', ['-C', tree, '-cf', '-', ...args, '.'], { maxBuffer: 1 << 28 }).stdout;
  const plain = [
    tar('--format=v7', '--exclude=longlink', '--exclude=holes'),
    tar('--format=ustar', '--exclude=holes', '--exclude=longlink'),
    tar('--format=gnu', '--exclude=holes'),
    tar('--format=oldgnu', '-S'),
    tar('--format=gnu', '-S'),
    tar('--format=pax', '--xattrs', '-S'),
    tar('--format=pax', '-S', '--sparse-version=0.0'),
    tar('--format=pax', '-S', '--sparse-version=0.1', '--xattrs'),
  ];
  const suite = '/usr/libexec/installed-tests/libostree/ostree-path-traverse.tar.gz';
  const packed = ['-z', '-J', '--zstd', '-j', '--lzma'].map((flag) => tar('--format=pax', flag, '--exclude=holes'));
  if (existsSync(suite)) packed.push(readFileSync(suite));
  const cpio = ['newc', 'crc'].map(
    (format) => spawnSync('sh', ['-c', `cd ${tree} && find . | cpio -o -H ${format}`], { maxBuffer: 1 << 28 }).stdout,
  );
  return { plain: plain.filter((b) => b.length > 0), packed: packed.filter((b) => b.length > 0), cpio };
}

/** Members that want to leave: by name, through links, as another's target. */
const parts = fc.constantFrom('..', '.', 'a', 'link', 'd', '', '/', 'etc', '\0', 'é', 'abs');
const paths = fc.array(parts, { minLength: 1, maxLength: 5 }).map((list) => list.join('/'));
const members = fc.array(
  fc.record({
    path: paths,
    type: fc.constantFrom('0', '1', '2', '5', '3', '6', 'L', 'K', 'x', 'g', 'S', 'V'),
    target: paths,
    text: fc.string({ maxLength: 20 }),
  }),
  { minLength: 1, maxLength: 8 },
);

function block(path: string, type: string, target: string, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(512);
  head.write(path.slice(0, 100), 0);
  head.write('0000755\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  const size = type === '1' || type === '2' || type === '5' ? 0 : body.length;
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.fill(' ', 148, 156);
  head.write(type, 156);
  head.write(target.slice(0, 100), 157);
  head.write('ustar\x0000', 257, 'latin1');
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return size === 0 ? head : Buffer.concat([head, body, Buffer.alloc((512 - (size % 512)) % 512)]);
}

export function archiveTargets(base: string): FuzzTarget<never>[] {
  const { plain, packed, cpio } = seedsOf(base);
  const yard = join(base, 'yard');
  mkdirSync(join(yard, 'inside'), { recursive: true });
  writeFileSync(join(yard, 'witness'), 'untouched');
  const repo = Repo.create(join(yard, 'inside/repo'), { mode: 'bare-user-only' });
  const archive = Repo.create(join(yard, 'inside/archive'), { mode: 'archive' });
  writeFileSync(join(archive.path, 'config'), `${readFileSync(join(archive.path, 'config'), 'utf8')}fsync=false\n`);
  const quick = Repo.open(archive.path);
  const before = readdirSync(yard).join();
  const untouched = (): string | undefined => {
    if (readdirSync(yard).join() !== before || readFileSync(join(yard, 'witness'), 'utf8') !== 'untouched')
      return 'something was written outside';
    return existsSync('/abs') || existsSync('/a') ? 'something was written at /' : undefined;
  };
  const read = (bytes: Uint8Array): void => {
    const transaction = quick.beginTransaction();
    try {
      importArchive(transaction, new MutableTree(), [bytes], { autocreateParents: true });
    } finally {
      transaction.abort();
    }
  };
  const out = join(yard, 'inside/out');
  const targets = [
    { name: 'tar', share: 6000, input: damaged(plain), seeds: plain, run: read, check: untouched },
    {
      name: 'compressed tar',
      share: 3000,
      input: damaged(packed),
      seeds: packed.slice(0, 5),
      run: read,
      check: untouched,
    },
    { name: 'cpio', share: 1500, input: damaged(cpio), seeds: cpio, run: read, check: untouched },
    {
      name: 'tar that wants out',
      share: 3000,
      input: members,
      run(list: readonly { path: string; type: string; target: string; text: string }[]) {
        const bytes = Buffer.concat([...list.map((m) => block(m.path, m.type, m.target, m.text)), Buffer.alloc(1024)]);
        const commit = repo.transaction((transaction) => {
          const root = new MutableTree();
          importArchive(transaction, root, [bytes], { autocreateParents: true });
          return transaction.writeCommit({
            metadata: new Map(),
            parent: undefined,
            subject: '',
            body: '',
            timestamp: 0,
            ...transaction.writeTree(root),
          });
        });
        for (const overwrite of ['none', 'union', 'add'] as const) {
          checkout(repo, { commit, dest: out, mode: 'user', overwrite, whiteouts: overwrite === 'union' });
          const left = untouched();
          if (left !== undefined) throw new Error(left);
          if (overwrite === 'none') continue;
          rmSync(out, { recursive: true, force: true });
        }
      },
      check: untouched,
    },
  ];
  return targets as unknown as FuzzTarget<never>[];
}
