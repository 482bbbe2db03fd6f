// A lab and a host sysroot made by the original ostree, and our rpm-ostree run in this process.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { type LabDir, makeLab, parseWorld, type World } from '@coppice/lab';
import { removeTree } from '@coppice/linux';
import { type Context, Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run as coppice } from '../../packages/coppice/src/coppice/main.ts';
import { run } from '../../packages/coppice/src/rpm-ostree/main.ts';
import { missingTools } from './tools.ts';

const inCi = (process.env['CI'] ?? '') !== '';

/** Why these tests cannot run here; undefined when they can, and always in CI, where a missing tool is a failure. */
export function skipReason(...tools: string[]): string | undefined {
  if (process.getuid?.() !== 0) return inCi ? undefined : 'needs root';
  return missingTools(...tools);
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function original(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 256 << 20 });
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.status}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

export function articleWorld(): World {
  return parseWorld(readFileSync(new URL('../../packages/lab/worlds/fedora-coreos-31.yaml', import.meta.url), 'utf8'));
}

/** A sysroot in a folder of its own. */
export class Host {
  readonly dir: string;
  readonly sysroot: string;

  constructor(dir: string) {
    this.dir = dir;
    this.sysroot = join(dir, 'sysroot');
  }

  get repo(): string {
    return join(this.sysroot, 'ostree/repo');
  }

  /** Deployment directories in menu order, as the original tells them. */
  trees(): string[] {
    const text = original('/usr/bin/ostree', 'admin', 'status', `--sysroot=${this.sysroot}`);
    return [...text.matchAll(/^[ *] (\S+) ([0-9a-f]{64}\.\d+)/gm)].map((m) =>
      join(this.sysroot, 'ostree/deploy', m[1]!, 'deploy', m[2]!),
    );
  }

  /** Packages in the database of the default deployment, as rpm lists them; never empty. */
  installed(tree = this.trees()[0]!): string[] {
    const format =
      '%|EPOCH?{%{NAME}-%{EPOCH}:%{VERSION}-%{RELEASE}.%{ARCH}}:{%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}}|\\n';
    const list = original('rpm', '-qa', '--dbpath', '/usr/share/rpm', '--root', tree, '--qf', format)
      .trim()
      .split('\n')
      .filter((l) => l !== '' && !l.startsWith('gpg-pubkey'));
    if (list.length === 0) throw new Error(`no packages in the database of ${tree}`);
    return list.sort();
  }

  fsck(): void {
    original('/usr/bin/ostree', `--repo=${this.repo}`, 'fsck', '-q');
  }

  async rpmOstree(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const stdout = memoryOutput();
    const stderr = memoryOutput();
    const context: Context = {
      program: 'rpm-ostree',
      env: { ...process.env, COPPICE_ERA: '', COPPICE_COMPAT: '', ...env },
      cwd: this.dir,
      stdin: { isTTY: false },
      stdout,
      stderr,
    };
    let status: number;
    try {
      status = await run(context, args);
    } catch (error) {
      if (error instanceof Exit) status = error.status;
      else {
        stderr.write(`error: ${messageOf(error)}\n`);
        status = 1;
      }
    }
    process.removeAllListeners('SIGINT');
    return { status, stdout: stdout.text, stderr: stderr.text };
  }

  /** Runs a verb on the sysroot and throws unless it succeeds. */
  async must(...args: string[]): Promise<string> {
    const ran = await this.rpmOstree([...args, `--sysroot=${this.sysroot}`]);
    if (ran.status !== 0) throw new Error(`rpm-ostree ${args.join(' ')}: ${ran.status}\n${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  /** `coppice node plan` on the sysroot. */
  async plan(...args: string[]): Promise<{ status: number; text: string }> {
    const stdout = memoryOutput();
    const context: Context = {
      program: 'coppice',
      env: { ...process.env, COPPICE_ERA: '' },
      cwd: this.dir,
      stdin: { isTTY: false },
      stdout,
      stderr: memoryOutput(),
    };
    const status = await coppice(context, ['node', 'plan', ...args, '--sysroot', this.sysroot]);
    return { status, text: stdout.text };
  }

  end(): void {
    removeTree(this.dir);
  }
}

/** A folder of its own with a lab and a sysroot `name` that follows its stable stream. */
export class Node extends Host {
  readonly lab: LabDir;

  constructor(dir: string, lab: LabDir) {
    super(dir);
    this.lab = lab;
  }

  static async make(world: World = articleWorld()): Promise<Node> {
    const dir = mkdtempSync(join(tmpdir(), 'coppice-rpm-ostree-'));
    const lab = await makeLab(join(dir, 'lab'), world);
    const node = new Node(dir, lab);
    const { sysroot } = node;
    mkdirSync(sysroot);
    original('/usr/bin/ostree', 'admin', 'init-fs', sysroot);
    original('/usr/bin/ostree', 'admin', 'os-init', world.stateroot, `--sysroot=${sysroot}`);
    const repo = `--repo=${sysroot}/ostree/repo`;
    original('/usr/bin/ostree', repo, 'config', 'set', 'sysroot.bootloader', 'none');
    original(
      '/usr/bin/ostree',
      repo,
      'remote',
      'add',
      world.remote,
      '--set=gpg-verify=true',
      `--gpg-import=${join(lab.www, 'key.asc')}`,
      `file://${lab.repo}`,
    );
    const { ref } = Object.values(world.streams)[0]!;
    original('/usr/bin/ostree', repo, 'pull', world.remote, ref);
    original(
      '/usr/bin/ostree',
      'admin',
      'deploy',
      `--sysroot=${sysroot}`,
      `--os=${world.stateroot}`,
      '--karg=root=LABEL=root',
      `${world.remote}:${ref}`,
    );
    const etc = join(node.trees()[0]!, 'etc');
    mkdirSync(join(etc, 'yum.repos.d'), { recursive: true });
    mkdirSync(join(etc, 'pki/rpm-gpg'), { recursive: true });
    copyFileSync(join(lab.www, 'key.asc'), join(etc, 'pki/rpm-gpg/RPM-GPG-KEY-lab'));
    writeFileSync(join(etc, 'yum.repos.d/lab.repo'), `[lab]\nname=lab\nbaseurl=file://${lab.packages}\ngpgcheck=1\n`);
    return node;
  }
}

/** Names of the files directly in a directory. */
export const namesIn = (dir: string): string[] => readdirSync(dir).sort();
