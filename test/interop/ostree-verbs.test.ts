// Every verb of the ostree command beside the original: the same calls on two equal folders, stdout, stderr and status equal.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Context, Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/ostree/main.ts';

// OSTREE_JUDGE names another original, e.g. a script that runs 2026.4 in a chroot; its release is the level then.
const judge = process.env['OSTREE_JUDGE'] ?? 'ostree';
const version = /Version: '([^']+)'/.exec(spawnSync(judge, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
const missing = version !== '2022.7' && version !== '2026.4' && process.env['CI'] !== 'true';

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const base = mkdtempSync(join(tmpdir(), 'interop-ostree-verbs-'));
const theirs = join(base, 'theirs');
const mine = join(base, 'mine');
const env = {
  PATH: process.env['PATH'] ?? '',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  HOME: base,
  COPPICE_COMPAT: `ostree=${version ?? '2022.7'}`,
};

function original(args: readonly string[]): Outcome {
  const done = spawnSync(judge, args, { cwd: theirs, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  return clean({ status: done.status ?? -1, stdout: done.stdout, stderr: done.stderr }, theirs);
}

async function ours(args: readonly string[]): Promise<Outcome> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = { program: 'ostree', env, cwd: mine, stdin: { isTTY: false }, stdout, stderr };
  let status: number;
  try {
    status = await run(context, args);
  } catch (error) {
    status = error instanceof Exit ? error.status : 1;
    if (!(error instanceof Exit)) stderr.write(`error: ${messageOf(error)}\n`);
  }
  return clean({ status, stdout: stdout.text, stderr: stderr.text }, mine);
}

/** The folder's own name is not part of what is compared. */
function clean(outcome: Outcome, folder: string): Outcome {
  const cut = (text: string): string => text.replaceAll(folder, 'FOLDER');
  return { status: outcome.status, stdout: cut(outcome.stdout), stderr: cut(outcome.stderr) };
}

function makeInputs(folder: string): void {
  mkdirSync(join(folder, 'tree/d/e'), { recursive: true });
  mkdirSync(join(folder, 'other/n'), { recursive: true });
  const files: [string, string, number][] = [
    ['tree/a.txt', 'hi\n', 0o644],
    ['tree/d/run', 'x', 0o755],
    ['tree/d/e/z', 'zz\n', 0o600],
    ['tree/sp ace "q" é', '', 0o644],
    ['other/a.txt', 'other\n', 0o644],
    ['other/n/f', 'new\n', 0o644],
    ['override', '2048 /d/run\n=256 /a.txt\n', 0o644],
    ['override-unmatched', '2048 /nope\n', 0o644],
    ['skip', '/d/e\n', 0o644],
    ['skip-unmatched', '/nope\n', 0o644],
    ['junk.tar', 'junk', 0o644],
    ['body', 'one\ntwo\n', 0o644],
  ];
  for (const [name, text, mode] of files) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  }
  symlinkSync('a.txt', join(folder, 'tree/lnk'));
  symlinkSync('d', join(folder, 'tree/dl'));
  for (const name of ['tree', 'tree/d', 'tree/d/e', 'other', 'other/n']) chmodSync(join(folder, name), 0o755);
  spawnSync('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-cf', 'tree.tar', '-C', 'tree', '.'], {
    cwd: folder,
  });
  spawnSync(
    'tar',
    ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-czf', 'part.tar.gz', '-C', 'tree', 'd/run', 'lnk'],
    { cwd: folder },
  );
}

const R = '--repo=r';
const when = '--timestamp=@1700000000';
const gone = 'a'.repeat(64);
const rootMeta = '446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488';

/** In this order; every call sees what the ones before it left. */
const calls: readonly (readonly string[])[] = [
  ['--repo=r', 'init', '--mode=bare-user'],
  ['--repo=z', 'init', '--mode=archive', '--collection-id=org.example.Coll'],
  ['--repo=bad', 'init', '--mode=foo'],
  ['--repo=no/such/place', 'init'],
  ['--repo=z', 'init', '--collection-id=zz'],
  [
    R,
    'commit',
    '-b',
    'main',
    '-s',
    'Subject',
    '-m',
    'one\ntwo',
    when,
    '--add-metadata-string=version=1.2',
    '--add-metadata=n=uint32 5',
    '--tree=dir=TREE',
  ],
  [R, 'commit', '-b', 'main', '-s', 'Second', '--timestamp=@1700000100', '--tree=dir=OTHER'],
  [R, 'commit', '-b', 'x/y', when, '--tree=dir=TREE'],
  [R, 'refs'],
  [R, 'rev-parse', 'main', 'main^', 'x/y'],
  [R, 'rev-parse', 'main^^'],
  [R, 'rev-parse', 'nope'],
  [R, 'rev-parse', 'a b'],
  [R, 'rev-parse', '-S'],
  [R, 'rev-parse', '-S', 'main'],
  [R, 'rev-parse'],
  [R, 'ls', 'x/y'],
  [R, 'ls', '-RCX', 'x/y'],
  [R, 'ls', '-d', 'x/y', '/d'],
  [R, 'ls', 'x/y', 'd', 'lnk', '/a.txt'],
  [R, 'ls', 'x/y', '/nope'],
  [R, 'ls', 'x/y', 'dl/run'],
  [R, 'ls', '--nul-filenames-only', '-R', 'x/y'],
  [R, 'ls', gone],
  [R, 'ls'],
  [R, 'cat', 'x/y', 'a.txt', '/d/run', 'lnk'],
  [R, 'cat', 'x/y', 'nope'],
  [R, 'cat', 'x/y', 'd'],
  [R, 'cat', 'x/y'],
  [R, 'log', 'main'],
  [R, 'log', '--raw', 'main'],
  [R, 'log', 'nope'],
  [R, 'log'],
  [R, 'show', 'main^'],
  [R, 'show', 'x/y'],
  [R, 'show', '--raw', 'main'],
  [R, 'show', '-B', '--raw', 'main'],
  [R, 'show', rootMeta],
  [R, 'show', '--raw', rootMeta],
  [R, 'show', gone],
  [R, 'show', '--print-metadata-key=version', 'main^'],
  [R, 'show', '--print-metadata-key=n', 'main^'],
  [R, 'show', '-B', '--print-metadata-key=n', 'main^'],
  [R, 'show', '--print-metadata-key=zz', 'main'],
  [R, 'show', '--print-detached-metadata-key=zz', 'main'],
  [R, 'show', '--print-related', 'main'],
  [R, 'show', '--print-sizes', 'main'],
  [R, 'show', '--print-variant-type=(uu)', 'nope'],
  [R, 'show'],
  [R, 'diff', 'main'],
  [R, 'diff', 'main', 'x/y'],
  [R, 'diff', '--stats', 'main', 'x/y'],
  [R, 'diff', 'main', 'nope'],
  [R, 'diff'],
  [R, 'config', 'get', 'core.mode'],
  [R, 'config', 'get', 'core.nope'],
  [R, 'config', 'get', 'nope.x'],
  [R, 'config', '--group=core', 'get', 'repo_version'],
  [R, 'config', 'set', 'core.extra', 'a b'],
  [R, 'config', 'get', 'core.extra'],
  [R, 'config', 'unset', 'core.extra'],
  [R, 'config', 'unset', 'core.extra'],
  [R, 'config', 'get', 'nodot'],
  [R, 'config', 'set', 'x'],
  [R, 'config', 'get', 'a', 'b'],
  [R, 'config', 'foo'],
  [R, 'config'],
  [R, 'refs', '--list', 'x'],
  [R, 'refs', 'x'],
  [R, 'refs', '--create=copy', 'main'],
  [R, 'refs', '--create=copy', 'x/y'],
  [R, 'refs', '--create=copy', '--force', 'x/y'],
  [R, 'refs', '--create=x', 'main'],
  [R, 'refs', '--create=foo', 'nope'],
  [R, 'refs', '--create=foo'],
  [R, 'refs', '--create=o:rem', 'main'],
  [R, 'refs', 'o:'],
  [R, 'refs', '-A', '--create=alias', 'main'],
  [R, 'refs', '-A'],
  [R, 'refs', '--delete', 'main'],
  [R, 'refs', '--delete', 'alias'],
  [R, 'refs', '--delete'],
  [R, 'refs', 'a b'],
  [R, 'refs', '-c', '--create=org.a.B:ref', 'main'],
  [R, 'refs', '-c'],
  [R, 'refs', '-c', 'zz'],
  [R, 'refs', '-c', '--delete', 'org.a.B'],
  [R, 'reset', 'main', 'main^'],
  [R, 'rev-parse', 'main'],
  [R, 'reset', 'nope', 'main'],
  [R, 'reset', 'main'],
  ['checksum', 'TREE/a.txt'],
  ['checksum', '--ignore-xattrs', 'TREE'],
  ['checksum', 'nope'],
  ['checksum'],
  [R, 'checkout', '-U', 'main', 'FOLDER/co1'],
  [R, 'checkout', '-U', 'main', 'FOLDER/co1'],
  [R, 'checkout', '-U', '--union', 'x/y', 'FOLDER/co1'],
  [R, 'checkout', '-U', '--union-add', 'main', 'FOLDER/co1'],
  [R, 'checkout', '-U', '--subpath=/d', 'x/y', 'FOLDER/co2'],
  [R, 'checkout', '-U', '--subpath=/nope', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-U', '--allow-noent', '--subpath=/nope', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-U', '--union', '--union-add', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-U', '--union-identical', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-U', '-H', '-C', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-H', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', '-U', '--fsync=zz', 'x/y', 'FOLDER/co3'],
  [R, 'checkout', 'nope', 'FOLDER/co3'],
  [R, 'checkout'],
  [R, 'diff', 'x/y', 'FOLDER/co1'],
  [R, 'fsck'],
  [R, 'fsck', '-q'],
  [R, 'fsck', '--verify-bindings'],
  [R, 'prune', '--no-prune'],
  [R, 'prune', '--refs-only', '--no-prune'],
  [R, 'prune', '--keep-younger-than=zz'],
  [R, 'prune', '--retain-branch-depth=main'],
  [R, 'prune', '--only-branch=nope'],
  [R, 'prune', '--static-deltas-only'],
  [R, 'prune', '--delete-commit=x', '--no-prune'],
  [R, 'prune', '--refs-only', '--depth=0'],
  [R, 'export', 'x/y', '-o', 'FOLDER/x.tar'],
  [R, 'export'],
  ...commits(R),
  ...commits('--repo=z'),
  ['--repo=z', 'refs', '-c'],
  ['--repo=z', 'prune', '--refs-only'],
];

/** Calls that make commits without a ref, or say why not. */
function commits(repo: string): (readonly string[])[] {
  const inputs: readonly (readonly string[])[] = [
    ['TREE'],
    ['--no-bindings', 'TREE'],
    ['--bind-ref=b', '--bind-ref=a', 'TREE'],
    ['--canonical-permissions', 'TREE'],
    ['--owner-uid=5', '--owner-gid=6', 'TREE'],
    ['--owner-uid=5', '--canonical-permissions', 'TREE'],
    ['--owner-gid=5', '--owner-uid=0', '--canonical-permissions', 'TREE'],
    ['--no-xattrs', 'TREE'],
    ['--mode-ro-executables', 'TREE'],
    ['--statoverride=FOLDER/override', 'TREE'],
    ['--statoverride=FOLDER/override-unmatched', 'TREE'],
    ['--skip-list=FOLDER/skip', 'TREE'],
    ['--skip-list=FOLDER/skip-unmatched', 'TREE'],
    ['--tree=dir=TREE', '--tree=dir=OTHER'],
    ['--tree=tar=FOLDER/tree.tar'],
    ['--tree=tar=FOLDER/part.tar.gz', '--tar-autocreate-parents'],
    ['--tree=tar=FOLDER/part.tar.gz'],
    ['--tree=tar=FOLDER/part.tar.gz', '--tar-autocreate-parents', '--tar-pathname-filter=^d/,e/'],
    ['--tree=tar=FOLDER/part.tar.gz', '--tar-pathname-filter=zz'],
    ['--tree=tar=FOLDER/junk.tar'],
    ['--tree=tar=FOLDER/nope.tar'],
    ['--table-output', 'TREE'],
    ['--generate-sizes', 'TREE'],
    ['--generate-sizes', '--base=main', 'TREE'],
    ['--generate-sizes', '--base=main', 'OTHER'],
    ['--generate-sizes', '--tree=ref=main', '--tree=dir=OTHER'],
    ['--generate-sizes', '--tree=dir=OTHER', '--tree=ref=main'],
    ['--generate-sizes', '--base=main', '--tree=dir=OTHER', '--owner-uid=4'],
    ['--generate-sizes', '--tree=tar=FOLDER/tree.tar', '--tree=dir=OTHER'],
    ['--add-detached-metadata-string=k=v', 'TREE'],
    ["--add-metadata=k={'a': <1>, 'b': <@as []>}", 'TREE'],
    ['--add-metadata=k=zz', 'TREE'],
    ['--add-metadata-string=zz', 'TREE'],
    ['--add-metadata-string==zz', 'TREE'],
    ['-F', 'FOLDER/body', 'TREE'],
    ['-F', 'FOLDER/nope', 'TREE'],
    ['--bootable', 'TREE'],
    ['--parent=none', 'TREE'],
    ['--parent=zz', 'TREE'],
    [`--parent=${gone}`, 'TREE'],
    ['--keep-metadata=zz', 'TREE'],
    ['--base=nope', 'TREE'],
    ['--tree=zz'],
    ['--tree=zz=zz'],
    ['--tree=ref=nope'],
    ['--fsync=zz', 'TREE'],
    ['--fsync=no', 'TREE'],
    ['FOLDER/nope'],
    ['TREE/a.txt'],
    ['--timestamp=zz', 'TREE'],
    ['--timestamp=2020-01-02 03:04:05 +0130', 'TREE'],
    ['--timestamp=Thu, 02 Jan 2020 03:04:05 -0500', 'TREE'],
  ];
  return [[repo, 'commit', 'TREE'], ...inputs.map((input) => [repo, 'commit', '--orphan', when, ...input])];
}

/** Names of every verb that help lists below `command`. */
function listed(command: readonly string[]): string[] {
  const { stdout } = original([...command, '--help']);
  const list = /Commands:\n((?: {2}\S.*\n)+)/.exec(stdout)?.[1] ?? '';
  return list.split('\n').flatMap((line) => line.trim().split(' ')[0] || []);
}

describe.skipIf(missing)('beside the original', () => {
  beforeAll(() => {
    mkdirSync(theirs);
    makeInputs(theirs);
    cpSync(theirs, mine, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    for (const folder of [theirs, mine]) {
      for (const name of ['tree', 'tree/d', 'tree/d/e', 'other', 'other/n']) chmodSync(join(folder, name), 0o755);
    }
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  it('says the same in every --help', async () => {
    const groups = [[], ['remote'], ['static-delta'], ['admin'], ['admin', 'instutil']];
    for (const group of groups) {
      for (const extra of [['--help'], [], ['nosuch']]) {
        const args = [...group, ...extra];
        expect({ args, ...(await ours(args)) }).toEqual({ args, ...original(args) });
      }
      for (const name of listed(group)) {
        const args = [...group, name, '--help'];
        expect({ args, ...(await ours(args)) }).toEqual({ args, ...original(args) });
      }
    }
  });

  it('does and says the same in every local verb', async () => {
    const place = (args: readonly string[], folder: string): string[] =>
      args
        .map((word) =>
          word.replace('FOLDER', folder).replace('TREE', `${folder}/tree`).replace('OTHER', `${folder}/other`),
        )
        .map((word) => word.replace(/^--repo=(?!\/)/, `--repo=${folder}/`));
    const wrong: object[] = [];
    for (const args of calls) {
      const want = original(place(args, theirs));
      const got = await ours(place(args, mine));
      if (JSON.stringify(want) !== JSON.stringify(got)) wrong.push({ args: args.join(' '), want, got });
    }
    expect(wrong).toEqual([]);
    const tars = [theirs, mine].map(
      (folder) => spawnSync('sha256sum', ['x.tar'], { cwd: folder, encoding: 'utf8' }).stdout,
    );
    expect(tars[1]).toBe(tars[0]);
  });
});
