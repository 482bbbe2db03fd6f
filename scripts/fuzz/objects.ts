// Objects of all nine types, as bytes and as files of a repository.
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { hostFs } from '@coppice/linux';
import {
  commitBytes,
  decodeDirMeta,
  decodeDirTree,
  decodeXattrs,
  encodeDirMeta,
  encodeDirTree,
  encodeXattrs,
  looseName,
  MutableTree,
  ObjectChecker,
  type ObjectType,
  parseCommit,
  prune,
  Repo,
  type RepoMode,
  runFsck,
} from '@coppice/ostree';
import fc from 'fast-check';
import { damaged, type FuzzTarget } from './target.ts';

const sum = (n: number): string => n.toString(16).padStart(64, '0');
const xattrs = [
  { name: 'security.capability', value: Buffer.alloc(20, 1) },
  { name: 'user.aa', value: Buffer.from('two') },
];
const files = Array.from({ length: 12 }, (_, i) => ({ name: `file${String(i).padStart(2, '0')}`, checksum: sum(i) }));
const dirs = [
  { name: 'd', tree: sum(100), meta: sum(101) },
  { name: 'été', tree: sum(102), meta: sum(101) },
];
const metadata = new Map([
  ['ostree.ref-binding', Variant.strings(['main'])],
  ['version', Variant.string('1.2')],
]);
const commit = {
  metadata,
  parent: sum(1),
  subject: 'subject',
  body: 'body\n',
  timestamp: 1700000000,
  tree: sum(2),
  meta: sum(3),
};

const dirtrees = [
  encodeDirTree({ files, dirs }),
  encodeDirTree({ files: [], dirs }),
  encodeDirTree({ files: [], dirs: [] }),
];
const dirmetas = [
  encodeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] }),
  encodeDirMeta({ uid: 1000, gid: 5, mode: 0o041777, xattrs }),
];
const commits = [commitBytes(commit), commitBytes({ ...commit, metadata: new Map(), parent: undefined })];
const dicts = [
  new VariantDict(metadata).encode(),
  new VariantDict([['commit', new Variant('ay', Buffer.from(`${sum(9)}\0`))]]).encode(),
];

/** A repository with one commit of a few files; gives the path of one object of a type. */
function world(base: string, mode: RepoMode): { repo: Repo; commit: string; path(type: ObjectType): string } {
  mkdirSync(base, { recursive: true });
  const repo = Repo.create(join(base, `objects-${mode}`), { mode });
  const checksum = repo.transaction((transaction) => {
    const root = new MutableTree();
    root.setMeta(transaction.writeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] }));
    const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
    root.replaceFile('text', transaction.writeContent(header, Buffer.from('some text '.repeat(300))));
    root.replaceFile(
      'link',
      transaction.writeContent({ ...header, mode: 0o120777, symlinkTarget: 'text' }, Buffer.alloc(0)),
    );
    const made = transaction.writeCommit({ ...commit, parent: undefined, ...transaction.writeTree(root) });
    transaction.setDetachedMetadata(made, metadata);
    transaction.setRef('main', made);
    return made;
  });
  const { tree, meta } = repo.loadCommit(checksum);
  const content = decodeDirTree(readFileSync(join(repo.path, 'objects', looseName(tree, 'dirtree', mode)))).files[1]!
    .checksum;
  const of: Partial<Record<ObjectType, string>> = {
    commit: checksum,
    commitmeta: checksum,
    dirtree: tree,
    dirmeta: meta,
    file: content,
  };
  return { repo, commit: checksum, path: (type) => join(repo.path, 'objects', looseName(of[type]!, type, mode)) };
}

function inRepo(base: string, mode: RepoMode, type: ObjectType, share: number): FuzzTarget<Buffer> {
  const { repo, commit, path } = world(base, mode);
  const place = path(type);
  const checksum = place
    .slice(place.indexOf('objects/') + 8)
    .replace('/', '')
    .replace(/\..*$/, '');
  const valid = readFileSync(place);
  const checker = new ObjectChecker(repo);
  return {
    name: `${type} in ${mode}`,
    share,
    input: damaged([valid]),
    seeds: [valid],
    run(bytes) {
      writeFileSync(place, bytes);
      try {
        for (const entry of repo.readTree(commit)) {
          if (entry.type !== 'file') continue;
          const file = entry.load();
          void file.header;
          let size = 0;
          for (const piece of repo.loadFile(entry.checksum).read()) size += piece.length;
          if (size > 64 << 20) throw new Error(`${size} bytes came out of ${bytes.length}`);
        }
        repo.loadDetachedMetadata(commit);
        if (type !== 'commitmeta') checker.check(type, checksum);
      } finally {
        writeFileSync(place, valid);
      }
    },
  };
}

/** The metadata that a bare-user repository keeps in an attribute. */
function userMeta(base: string): FuzzTarget<Buffer> {
  const { repo, path } = world(join(base, 'meta'), 'bare-user');
  const place = path('file');
  const valid = hostFs.getxattr(place, 'user.ostreemeta')!;
  return {
    name: 'user.ostreemeta',
    share: 2000,
    input: damaged([valid, encodeDirMeta({ uid: 1, gid: 1, mode: 0o104755, xattrs })]),
    run(bytes) {
      hostFs.setxattr(place, 'user.ostreemeta', bytes);
      for (const entry of repo.readTree(repo.resolveRev('main'))) if (entry.type === 'file') entry.load();
      runFsck(repo);
    },
  };
}

/** Links by content that lead anywhere. */
function payloadLinks(base: string): FuzzTarget<[string, string]> {
  const { repo, path } = world(join(base, 'payload'), 'bare-user');
  const config = readFileSync(join(repo.path, 'config'), 'utf8');
  writeFileSync(join(repo.path, 'config'), `${config}payload-link-threshold=1\n`);
  const name = `${path('file').slice(0, -64)}${'e'.repeat(62)}.payload-link`.replace(/objects\/../, 'objects/ee');
  return {
    name: 'payload-link',
    share: 1000,
    input: fc.tuple(
      fc.oneof(
        fc.constantFrom('/etc/passwd', '../../../../outside', '../aa', '.', `../ee/${'e'.repeat(62)}.payload-link`),
        fc.string({ minLength: 1, maxLength: 40 }),
      ),
      fc.string({ maxLength: 20 }),
    ),
    run([target, text]) {
      rmSync(name, { force: true });
      repo.fs.stat(join(repo.path, 'objects/ee')) ?? repo.fs.mkdir(join(repo.path, 'objects/ee'), 0o755);
      symlinkSync(target.replaceAll('\0', '_'), name);
      const again = Repo.open(repo.path);
      again.transaction((transaction) => {
        transaction.writeContent({ uid: 0, gid: 0, mode: 0o100600, symlinkTarget: '', xattrs: [] }, Buffer.from(text));
      });
      prune(again, { refsOnly: true });
    },
  };
}

export function objectTargets(base: string): FuzzTarget<never>[] {
  const split = encodeXattrs(xattrs);
  const targets = [
    {
      name: 'dirtree',
      share: 9000,
      input: damaged(dirtrees),
      seeds: dirtrees,
      run: (bytes: Buffer) => decodeDirTree(bytes),
    },
    {
      name: 'dirmeta',
      share: 5000,
      input: damaged(dirmetas),
      seeds: dirmetas,
      run: (bytes: Buffer) => decodeDirMeta(bytes),
    },
    {
      name: 'commit',
      share: 9000,
      input: damaged(commits),
      seeds: commits,
      run: (bytes: Buffer) => parseCommit(bytes),
    },
    {
      name: 'commitmeta, tombstone-commit',
      share: 5000,
      input: damaged(dicts),
      seeds: dicts,
      run: (bytes: Buffer) => [...VariantDict.decode(bytes)],
    },
    {
      name: 'file-xattrs, file-xattrs-link',
      share: 5000,
      input: damaged([split, encodeXattrs([])]),
      run: (bytes: Buffer) => decodeXattrs(bytes),
    },
    ...(['file', 'dirtree', 'commit', 'commitmeta'] as const).map((type) =>
      inRepo(join(base, type), 'archive', type, 1500),
    ),
    inRepo(join(base, 'bare-user'), 'bare-user', 'file', 1000),
    userMeta(base),
    payloadLinks(base),
  ];
  return targets as unknown as FuzzTarget<never>[];
}
