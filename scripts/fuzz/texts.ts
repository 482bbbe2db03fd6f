// What is text, or GVariant in its two forms: config, refs, origins, key files.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { decode, isNormalForm, parseType, parseVariant, Variant } from '@coppice/gvariant';
import { KeyFile } from '@coppice/keyfile';
import { listRemotes, Repo } from '@coppice/ostree';
import { Origin } from '@coppice/sysroot';
import fc from 'fast-check';
import { damaged, type FuzzTarget } from './target.ts';

const config = `[core]
repo_version=1
mode=archive-z2
min-free-space-size=5MB
lock-timeout-secs=3
payload-link-threshold=100
tmp-expiry-secs=86400
collection-id=org.example.Coll

[archive]
zlib-level=9

[remote "origin"]
url=https://example.org/repo
branches=a;b\\;c;
gpg-verify=false
verification-ed25519-key=${'A'.repeat(43)}=
`;
const origin = `[origin]
refspec=fedora:fedora/x86_64/coreos/stable
override-commit=${'ab'.repeat(32)}
unconfigured-state=text\\nmore

[libostree-transient]
pinned=true
`;
const key = `# comment
[group one]
a = value with spaces  
b[de]=\\s\\t\\n\\r\\\\
list=1;2;\\;3;
number=-12
flag=true

[group two]
empty=
`;
const texts = [
  "{'a': <1>, 'b': <@as []>, 'c': <(true, 'x', [byte 0x1, 2])>}",
  "[('user.mykey', [byte 0x6d, 0x79]), ('z', [])]",
  '(uint64 18446744073709551615, int16 -1, 1.5e3, "\\u00e9\\n", @ms nothing, @mmi just 3)',
  "b'bytes\\001\\377'",
  "signature 'a{sv}'",
  "objectpath '/a/b'",
];
const types = [
  'a{sv}',
  'a(ayay)',
  '(a{sv}tayay)',
  'mmi',
  'aas',
  '(yqutdsogv)',
  'a{s(uay)}',
  'v',
  'ab',
  '(a(say)a(sayay))',
  'am(sv)',
];
const typed: readonly (readonly [type: string, bytes: Uint8Array])[] = [
  ['a{sv}', parseVariant("{'a': <1>, 'b': <['x', 'yy']>, 'c': <{'d': <byte 3>}>}").encode()],
  [
    '(yqutdsogv)',
    parseVariant("(byte 1, uint16 2, uint32 3, uint64 4, 5.0, 's', objectpath '/o', signature 'g', <'v'>)").encode(),
  ],
  ['aas', parseVariant("[['a','b'],['c']]").encode()],
];

function refs(base: string): FuzzTarget<[string, Buffer]> {
  const repo = Repo.create(join(base, 'refs'), { mode: 'archive' });
  const valid = Buffer.from(`${'ab'.repeat(32)}\n`);
  return {
    name: 'refs',
    share: 4000,
    input: fc.tuple(
      fc.oneof(fc.constantFrom('main', 'a/b', 'main^', '../x', 'r:x', 'a//b', '.'), fc.string({ maxLength: 30 })),
      fc.oneof(fc.constant(valid), damaged([valid])),
    ),
    run([name, bytes]) {
      const folder = join(repo.path, 'refs/heads');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      if (/^[\w/-]+$/.test(name) && !name.startsWith('/') && !name.endsWith('/')) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), bytes);
      }
      writeFileSync(join(folder, 'plain'), bytes);
      const found = repo.tryResolveRev(name);
      if (found !== undefined && !/^[0-9a-f]{64}$/.test(found)) throw new Error(`resolved to ${found}`);
      repo.listRefs();
      repo.setRef(name, 'cd'.repeat(32));
    },
  };
}

export function textTargets(base: string): FuzzTarget<never>[] {
  const repo = Repo.create(join(base, 'config'), { mode: 'archive' });
  const anyType = fc.oneof(
    fc.constantFrom(...types),
    fc.string({ unit: fc.constantFrom(...'a(){}mysbv'), maxLength: 12 }),
  );
  const targets = [
    {
      name: 'config',
      share: 4000,
      input: damaged([Buffer.from(config)]),
      seeds: [Buffer.from(config)],
      run(bytes: Buffer) {
        writeFileSync(join(repo.path, 'config'), bytes);
        const opened = Repo.open(repo.path);
        for (const remote of listRemotes(opened)) void remote;
        opened.listRefs();
      },
    },
    refs(base),
    {
      name: 'origin',
      share: 5000,
      input: damaged([Buffer.from(origin)]),
      seeds: [Buffer.from(origin)],
      run(bytes: Buffer) {
        const read = Origin.parse(bytes);
        void [read.refspec, read.overrideCommit, read.unconfiguredState, read.unlocked, read.pinned];
        read.removeTransientState();
        Origin.parse(read.toString());
      },
    },
    {
      name: 'key files',
      share: 8000,
      input: damaged([Buffer.from(key), Buffer.from(config)]),
      seeds: [Buffer.from(key), Buffer.from(config)],
      run(bytes: Buffer) {
        const file = KeyFile.parse(bytes);
        for (const group of file.groups()) for (const name of file.keys(group)) file.raw(group, name);
        // What we write we read back the same.
        const again = KeyFile.parse(file.toString());
        if (again.toString() !== file.toString()) throw new Error('not the same when read back');
        for (const group of file.groups())
          for (const name of file.keys(group)) {
            if (file.getRaw(group, name) === 'true') file.getBoolean(group, name);
            if (file.getRaw(group, name).endsWith(';')) file.getStringList(group, name);
          }
      },
    },
    {
      name: 'GVariant text',
      share: 9000,
      seeds: texts,
      input: fc.oneof(
        damaged(texts.map((text) => Buffer.from(text))).map(String),
        fc.string({ unit: fc.constantFrom(...'<>[](){}@\'",:1a b\\xus-.'), maxLength: 40 }),
        // Nested beyond any depth.
        fc.tuple(fc.constantFrom('[', '(', '<', '{', 'just ', '@a'), fc.nat(3000)).map(([text, n]) => text.repeat(n)),
      ),
      run(text: string) {
        const value = parseVariant(text);
        const printed = value.toString();
        if (parseVariant(printed).toString() !== printed) throw new Error(`printed as ${printed}`);
      },
    },
    {
      name: 'GVariant bytes',
      share: 9000,
      seeds: typed,
      input: fc.oneof(
        fc.constantFrom(...typed).chain(([type, bytes]) => damaged([bytes]).map((made) => [type, made] as const)),
        fc.tuple(anyType, fc.uint8Array({ maxLength: 120 })),
      ),
      run([type, bytes]: readonly [string, Uint8Array]) {
        parseType(type);
        // Whatever the bytes are, they stand for some value, which has a text and a normal form.
        const value = new Variant(type, decode(type, bytes));
        value.toString();
        isNormalForm(type, bytes);
        const data = value.encode();
        if (!isNormalForm(type, data)) throw new Error('what we encode is not in normal form');
      },
    },
  ];
  return targets as unknown as FuzzTarget<never>[];
}
