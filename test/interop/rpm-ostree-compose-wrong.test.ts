// Composing with wrong and odd input, as somebody does who mistypes: one line says what is wrong, the exit status is 1, and
// nothing is left behind, which the original ostree and a look at the folder tell.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootable, ComposeFolder, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'createrepo_c', 'bwrap');
const tree = 'compose tree --repo=repo --cachedir=cache';

/** Treefiles and what is said about them. */
const treefiles: readonly (readonly [name: string, text: string, says: string])[] = [
  ['empty', '', 'Parsing DIR/empty.yaml: expected a map at the top of the treefile'],
  ['list', '- a\n', 'Parsing DIR/list.yaml: expected a map at the top of the treefile'],
  ['broken', 'a: [\n', /^Parsing DIR\/broken.yaml: Flow sequence [^\n]*$/.source],
  ['unknown', 'nonsense: 1\n', 'Parsing DIR/unknown.yaml: Unknown fields: nonsense'],
  ['types', 'packages: x\n', 'Parsing DIR/types.yaml: packages: invalid type: expected a sequence'],
  ['flag', 'recommends: "yes"\n', 'Parsing DIR/flag.yaml: recommends: invalid type: expected a boolean'],
  ['loop', 'include: loop.yaml\n', 'Include loop detected; DIR/loop.yaml was already included'],
  ['lost', 'include: nosuch.yaml\n', 'Can\'t open file "DIR/nosuch.yaml" for reading: No such file or directory'],
  ['variable', 'ref: "a/${x}"\n', 'No such key: x'],
  ['condition', 'conditional-include: [{if: x == 1, include: ok.yaml}]\n', "undefined variable 'x'"],
  ['compared', 'variables: {x: a}\nconditional-include: [{if: x == 1, include: ok.yaml}]\n', 'x is not same type as 1'],
  ['quote', 'packages: ["\'a"]\n', "Parsing DIR/quote.yaml: Missing terminating quote: 'a"],
  [
    'foreign',
    'basearch: s390x\n',
    'Parsing DIR/foreign.yaml: Invalid basearch s390x on x86_64: cross-composes are not supported',
  ],
  ['suffix', 'automatic-version-suffix: ".."\n', 'automatic-version-suffix: must be exactly one ASCII character: ..'],
  ['pattern', 'remove-from-packages: [[one, "("]]\n', 'remove-from-packages: invalid regular expression: ('],
  ['added', 'add-files: [[a, /var/x]]\n', 'Unsupported path in add-files: /var/x'],
  [
    'rpmdb',
    'rpmdb: mysql\n',
    'rpmdb: unknown variant `mysql`, expected one of `target`, `host`, `bdb`, `ndb`, `sqlite`',
  ],
  ['repository', 'include: ok.yaml\nrepos: [nosuch]\n', 'Unknown rpm-md repository: nosuch'],
  ['nowhere', bootable, 'Packages not found: kernel, systemd, busybox, fedora-release-coreos'],
  ['packages', 'include: ok.yaml\npackages: [nosuch, none]\n', 'Packages not found: nosuch, none'],
  [
    'conflict',
    'include: ok.yaml\npackages: [one, bad]\n',
    'Checking out package one: Checkout one: File exists: /usr/share/one (one-1-1.noarch: the content differs)',
  ],
  [
    'lua',
    'include: ok.yaml\npackages: [lua]\n',
    "Package 'lua' has (currently) unsupported script of type '<lua>' in '%post'",
  ],
  [
    'script',
    'include: ok.yaml\npackages: [fails]\n',
    "Running %post for fails: bwrap(/bin/sh): Child process exited with code 3; run `journalctl -t 'rpm-ostree(fails.post)'` for more information",
  ],
  ['ref', 'include: ok.yaml\nref: "a b/../c"\n', 'Invalid ref name a b/../c'],
  [
    'postprocess',
    'include: ok.yaml\npostprocess-script: nosuch.sh\n',
    'Can\'t open file "DIR/nosuch.sh" for reading: No such file or directory',
  ],
  [
    'release',
    'include: ok.yaml\nmutate-os-release: "31"\n',
    'mutate-os-release specified, but no automatic-version-prefix or version',
  ],
  ['key', 'include: ok.yaml\ngpg-key: ABCDEF\n', 'Unable to lookup key ID ABCDEF: GPGME: Invalid value'],
  ['layer', 'include: ok.yaml\nostree-layers: [nosuch]\n', "Refspec 'nosuch' not found"],
];

/** Further calls and what they say. */
const calls: readonly (readonly [call: string, says: string])[] = [
  ['compose', 'No "compose" subcommand specified'],
  ['compose nosuch', 'Unknown "compose" subcommand "nosuch"'],
  ['compose tree', 'usage error: TREEFILE must be specified'],
  ['compose tree ok.yaml', '--repo must be specified'],
  ['compose tree --repo=nosuch ok.yaml', 'opendir(DIR/nosuch): No such file or directory'],
  ['compose tree --nosuch ok.yaml', 'Unknown option --nosuch'],
  ['compose tree --repo', 'Missing argument for --repo'],
  ['compose tree --repo=repo --download-only ok.yaml', '--download-only can only be used with --cachedir'],
  ['compose tree --repo=repo --cachedir=ok.yaml ok.yaml', '--cachedir: ok.yaml: Not a directory'],
  [`${tree} ok.yaml more`, "usage error: unexpected argument 'more' found"],
  [`${tree} nosuch.yaml`, 'Can\'t open file "DIR/nosuch.yaml" for reading: No such file or directory'],
  [`${tree} adir`, 'Can\'t open file "DIR/adir" for reading: Is a directory'],
  [`${tree} --ex-lockfile=nosuch ok.yaml`, 'Can\'t open file "DIR/nosuch" for reading: No such file or directory'],
  [`${tree} --ex-lockfile=field.json ok.yaml`, 'Parsing field.json: a: unknown field `evrb`'],
  [`${tree} --ex-lockfile=list.json ok.yaml`, 'Parsing list.json: expected a map'],
  [`${tree} --ex-lockfile=other.json one.yaml`, 'Packages not found: one'],
  [`${tree} --ex-lockfile-strict ok.yaml`, '--ex-lockfile-strict requires --ex-lockfile'],
  [`${tree} --add-metadata-string=x ok.yaml`, "Missing '=' in KEY=VALUE metadata 'x'"],
  [`${tree} --add-metadata-from-json=list.json ok.yaml`, 'Parsing list.json: expected an object'],
  [`${tree} --parent=nosuch ok.yaml`, "Refspec 'nosuch' not found"],
  [
    `${tree} --write-commitid-to=no/such ok.yaml`,
    "--write-commitid-to: can't write DIR/no/such: No such file or directory",
  ],
  [`${tree} --write-composejson-to=adir ok.yaml`, "--write-composejson-to: can't write DIR/adir: Is a directory"],
  [
    `${tree} --touch-if-changed=no/such ok.yaml`,
    "--touch-if-changed: can't write DIR/no/such: No such file or directory",
  ],
  [`${tree} --workdir=nosuch ok.yaml`, '--workdir: nosuch: No such file or directory'],
  [`${tree} --source-root=nosuch ok.yaml`, '--source-root: nosuch: No such file or directory'],
  [`${tree} --layer-repo=nosuch ok.yaml`, 'opendir(DIR/nosuch): No such file or directory'],
  ['compose install ok.yaml', 'usage error: DESTDIR must be specified'],
  ['compose install ok.yaml ok.yaml', 'ok.yaml: Not a directory'],
  ['compose install lua.yaml stage', "Package 'lua' has (currently) unsupported script of type '<lua>' in '%post'"],
  ['compose postprocess', 'usage error: ROOTFS must be specified'],
  ['compose postprocess nosuch', 'opendir(DIR/nosuch): No such file or directory'],
  ['compose postprocess adir', 'No package database in the tree'],
  ['compose commit --repo=repo ok.yaml nosuch', 'opendir(DIR/nosuch): No such file or directory'],
  ['compose commit --repo=repo ok.yaml adir', 'No package database in the tree'],
  ['compose extensions ok.yaml ext.yaml', '--output-dir must be specified'],
  ['compose extensions --repo=repo --output-dir=e --base-rev=nosuch ok.yaml ext.yaml', "Refspec 'nosuch' not found"],
  ['compose extensions --repo=repo --output-dir=e ok.yaml ok.yaml', 'Parsing DIR/ok.yaml: missing field `extensions`'],
  ['compose extensions --rootfs=adir --output-dir=e ok.yaml ext.yaml', 'DIR/adir/usr/share/rpm: no package database'],
  ['compose rootfs ok.yaml adir', 'Refusing to operate on extant target adir'],
  ['compose rootfs --source-root-rw=b ok.yaml root', 'Expected absolute path for source-root: b'],
  ['compose rootfs lua.yaml root', "Package 'lua' has (currently) unsupported script of type '<lua>' in '%post'"],
  ['compose image ok.yaml img', 'DIR/img: No such file or directory (use --initialize for the first build)'],
  [
    'compose image --format=x ok.yaml img',
    "usage error: Invalid value 'x' for '--format': use ociarchive, oci, registry",
  ],
  [
    'compose image -i --initialize-mode=always ok.yaml img',
    "usage error: the argument '--initialize' cannot be used with '--initialize-mode'",
  ],
  ['compose image -i --max-layers=2 ok.yaml img', "Invalid value '2' for '--max-layers': at least 4 are needed"],
  ['compose image -i --image-config=list.json ok.yaml img', 'Parsing list.json: expected an object'],
  ['compose image -i --authfile=nosuch ok.yaml img', 'Opening DIR/nosuch: No such file or directory'],
  ['compose container-encapsulate --repo=repo nosuch oci:img', "Refspec 'nosuch' not found"],
  ['compose container-encapsulate --repo=repo test/ok bad', "Missing ':' in imgref"],
  [
    'compose container-encapsulate --repo=repo --format-version=3 test/ok oci:img',
    "Invalid value '3' for '--format-version': must be 1 or 2",
  ],
  ['compose container-encapsulate --repo=repo --label=x test/ok oci:img', "Missing '=' in label x"],
  [
    'compose container-encapsulate --repo=repo --compare-with-build=oci:nosuch test/ok oci:img',
    'nosuch: not an OCI image layout',
  ],
  ['compose build-chunked-oci', 'usage error: --rootfs or --from must be specified'],
  ['compose build-chunked-oci --rootfs=nosuch --bootc --output=oci:img', '--rootfs=nosuch: not a directory'],
  ['compose build-chunked-oci --rootfs=adir --bootc --output=oci:img', 'No package database in the tree'],
  [
    'compose build-chunked-oci --rootfs=adir --from=x --bootc --output=oci:img',
    "usage error: the argument '--rootfs' cannot be used with '--from'",
  ],
  ['compose build-chunked-oci --from=oci:nosuch --bootc --output=oci:img', 'nosuch: not an OCI image layout'],
  [
    'compose build-chunked-oci --rootfs=adir --bootc --sign-commit=nosuch --output=oci:img',
    'Opening nosuch: No such file or directory',
  ],
  ['compose commit-to-container-rootfs --repo=repo nosuch out', "Refspec 'nosuch' not found"],
];

describe.skipIf(reason !== undefined)(`wrong composes ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let state: string;

  // Staged objects of a transaction that failed stay for the next one, as libostree has it.
  const look = (): string =>
    [
      ...readdirSync(folder.dir).sort(),
      ...readdirSync(join(folder.dir, 'adir')),
      ...readdirSync(join(folder.dir, 'repo/tmp')).filter((name) => !name.startsWith('staging-')),
      folder.ostree('refs'),
    ].join('\n');

  beforeAll(async () => {
    folder = new ComposeFolder('wrong');
    folder.publish('local', [
      ...ComposeFolder.world('base'),
      simplePackage('one', [textFile('/usr/share/one', '1')]),
      simplePackage('bad', [textFile('/usr/share/one', 'other')]),
      simplePackage('lua', [], { scripts: { post: { interpreter: '<lua>', body: 'x()' } } }),
      simplePackage('fails', [], { scripts: { post: 'exit 3' } }),
    ]);
    folder.write('ok.yaml', `${bootable}repos: [local]\nref: test/ok\n`);
    folder.write('one.yaml', 'include: ok.yaml\npackages: [one]\n');
    for (const [name, text] of treefiles) folder.write(`${name}.yaml`, text);
    folder.write('field.json', '{"packages": {"a": {"evrb": 1}}}');
    folder.write('list.json', '[]');
    folder.write('other.json', '{"packages": {"one": {"evra": "9-9.noarch"}}}');
    folder.write('ext.yaml', 'extensions: {a: {packages: [one]}}\n');
    mkdirSync(join(folder.dir, 'adir'));
    expect((await folder.tree('ok.yaml')).stderr).toBe('');
    state = look();
  });
  afterAll(() => folder.end());

  const table: (readonly [string, string])[] = [
    ...treefiles.map(([name, , says]) => [`${tree} ${name}.yaml`, says] as const),
    ...calls,
  ];
  test.each(table)('%s', async (call, says) => {
    const ran = await folder.rpmOstree(...call.split(' '));
    const all = ran.stderr.replaceAll(folder.dir, 'DIR').trimEnd().split('\n');
    const lines = all.filter((line) => !line.startsWith('warning: '));
    const last = lines.at(-1)!;
    if (says.startsWith('^')) expect(last.replace(/^error: /, '')).toMatch(new RegExp(says));
    else expect(last).toBe(`error: ${says}`);
    // Wrong usage is told after the help, anything else alone.
    const usage = /^error: (usage error|No "compose"|Unknown "compose")/.test(last);
    expect(lines.length > 1).toBe(usage);
    expect(ran.status).toBe(1);
    expect(look()).toBe(state);
  });

  test('what only looks changes nothing; what only fetches keeps packages and no commit', async () => {
    const before = look();
    const dry = await folder.tree('--dry-run', '--force-nocache', 'one.yaml');
    expect(dry.stdout).toMatch(/^Input state hash: [0-9a-f]{64}\n {2}\S+ \(local\)\n/);
    expect(dry.stdout).toContain('  one-1-1.noarch (local)\n');
    const printed = await folder.rpmOstree('compose', 'tree', '--print-only', 'one.yaml');
    expect(JSON.parse(printed.stdout)).toMatchObject({ ref: 'test/ok', repos: ['local'], selinux: false });
    expect(look()).toBe(before);
    expect((await folder.tree('--download-only', '--cachedir=other', 'one.yaml')).stderr).toBe('');
    const cached = original('/usr/bin/ostree', `--repo=${join(folder.dir, 'other/pkgcache-repo')}`, 'refs');
    expect(cached).toContain('rpmostree/pkg/one/1-1.noarch\n');
    expect(folder.ostree('refs')).toBe('test/ok\n');
    folder.ostree('fsck', '-q');
  });

  test('an unchanged compose takes little work and touches nothing; forced, it makes the same tree', async () => {
    const commit = folder.ostree('rev-parse', 'test/ok');
    const start = process.cpuUsage();
    const ran = await folder.tree('--touch-if-changed=stamp', '--write-composejson-to=c.json', 'ok.yaml');
    const unchanged = process.cpuUsage(start).user;
    expect(ran.stdout).toContain('No apparent changes since previous commit');
    expect(readdirSync(folder.dir)).not.toContain('stamp');
    expect(readdirSync(folder.dir)).not.toContain('c.json');
    const again = process.cpuUsage();
    await folder.tree(
      '--force-nocache',
      '--no-parent',
      '--write-commitid-to=id',
      '--touch-if-changed=stamp',
      'ok.yaml',
    );
    // How long either takes depends on what else the machine does.
    expect(unchanged).toBeLessThan(process.cpuUsage(again).user);
    expect(folder.read('id')).toBe(commit.trim());
    expect(folder.read('stamp')).toBe('');
    expect(folder.ostree('rev-parse', 'test/ok')).toBe(commit);
  });
});
