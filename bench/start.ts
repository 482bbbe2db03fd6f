// Start-up: each command's cheap calls against a bare start of the same Node. Aim: at most 2.5. Ratios are medians of pairs.
//   --runs N      pairs (default 15)
//   --only WORD   calls whose words contain it
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installedEnvironment } from './installed.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '15' }, only: { type: 'string', default: '' } },
});
const root = join(import.meta.dirname, '..');
const runs = Number(values.runs);
const env = installedEnvironment();
const work = mkdtempSync(join(tmpdir(), 'start-bench-'));
process.on('exit', () => {
  spawnSync('chattr', ['-R', '-i', work]); // deployments are immutable
  rmSync(work, { recursive: true, force: true });
});

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1]!;
}

function time(command: string, args: string[]): number {
  const begun = performance.now();
  const done = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', env });
  if (done.status !== 0) throw new Error(`exit status ${done.status}: ${done.stderr}`);
  return performance.now() - begun;
}

/** A repository with one commit of a small tree, a second one that has it as its remote, and a sysroot with it deployed. */
function world(): { repo: string; copy: string; sysroot: string } {
  const ostree = (...args: string[]): void => void time(join(root, 'bin/ostree'), args);
  const tree = join(work, 'tree');
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  for (let i = 0; i < 40; i++) writeFileSync(join(tree, `usr/bin/tool${i}`), `tool number ${i}\n`);
  const [repo, copy, sysroot] = ['repo', 'copy', 'sysroot'].map((name) => join(work, name)) as [string, string, string];
  for (const folder of ['usr/etc', 'usr/lib/modules/6.0']) mkdirSync(join(tree, folder), { recursive: true });
  writeFileSync(join(tree, 'usr/lib/modules/6.0/vmlinuz'), 'a kernel');
  writeFileSync(join(tree, 'usr/lib/os-release'), 'NAME=Test\nID=test\nPRETTY_NAME=Test\n');
  ostree('init', `--repo=${repo}`, '--mode=archive');
  ostree('commit', `--repo=${repo}`, '-b', 'main', tree);
  ostree('summary', `--repo=${repo}`, '-u');
  ostree('init', `--repo=${copy}`);
  ostree('remote', 'add', `--repo=${copy}`, '--no-gpg-verify', 'origin', `file://${repo}`);
  ostree('pull', `--repo=${copy}`, 'origin', 'main');
  mkdirSync(sysroot);
  ostree('admin', 'init-fs', sysroot);
  ostree('admin', 'os-init', `--sysroot=${sysroot}`, 'test');
  ostree('pull-local', `--repo=${sysroot}/ostree/repo`, repo, 'main');
  ostree('admin', 'deploy', `--sysroot=${sysroot}`, '--os=test', 'main');
  return { repo, copy, sysroot };
}

const { repo, copy, sysroot } = world();
const at = (path: string, ...args: string[]): [string, string[]] => ['ostree', [`--repo=${path}`, ...args]];
const rows: [string, string[]][] = [
  ['ostree', ['--version']],
  ['ostree', ['--help']],
  ['ostree', ['commit', '--help']],
  at(repo, 'refs'),
  at(repo, 'rev-parse', 'main'),
  at(repo, 'log', 'main'),
  at(repo, 'show', 'main'),
  at(repo, 'ls', 'main', '/usr/bin'),
  at(repo, 'cat', 'main', '/usr/bin/tool7'),
  at(repo, 'diff', 'main', 'main'),
  at(repo, 'config', 'get', 'core.mode'),
  at(repo, 'prune'),
  at(repo, 'fsck', '-q'),
  at(copy, 'remote', 'list'),
  at(copy, 'pull', 'origin', 'main'),
  ['ostree', ['admin', '--help']],
  ['ostree', ['admin', 'status', `--sysroot=${sysroot}`]],
  ['rpm-ostree', ['--version']],
  ['rpm-ostree', ['--help']],
  ['rpm-ostree', ['status', `--sysroot=${sysroot}`]],
  ['rpm-ostree', ['db', 'list', '--help']],
  ['butane', ['--version']],
  ['fcct', ['--version']],
  ['ignition-validate', ['--version']],
  ['coppice', ['--help']],
  ['coppice', ['--version']],
];
for (const [name, args] of rows) {
  const label = `${name} ${args.map((arg) => arg.replace(`${work}/`, '')).join(' ')}`;
  if (!label.includes(values.only)) continue;
  const path = join(root, 'bin', name);
  try {
    time(path, args); // keeps the compiled code
  } catch (error) {
    console.log(`${label.padEnd(44)} ${(error as Error).message.trim()}`);
    continue;
  }
  const bare: number[] = [];
  const ours: number[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < runs; i++) {
    bare.push(time(process.execPath, ['-e', '0']));
    ours.push(time(path, args));
    ratios.push(ours[i]! / bare[i]!);
  }
  const milliseconds = `${median(ours).toFixed(0).padStart(4)} ms, bare Node ${median(bare).toFixed(0)} ms`;
  console.log(`${label.padEnd(44)} ${milliseconds}, ratio ${median(ratios).toFixed(2)}`);
}
