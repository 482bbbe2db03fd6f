// A lab that is served and instances to play with, all below one temporary folder, driven through the commands as a user would.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '@coppice/linux';
import { type Stage, setStage } from './article.ts';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const inCi: boolean = process.env['CI'] !== undefined && process.env['CI'] !== '';

/** A reason to skip when programs are missing; in CI a missing program is a failure, so none. */
export function missingPrograms(...names: string[]): string | undefined {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return missing.length === 0 || inCi ? undefined : `needs ${missing.join(', ')}`;
}

export class Scene {
  readonly dir: string;
  readonly stage: Stage;
  #server: ChildProcess | undefined;
  url = '';

  constructor(env: Readonly<Record<string, string>> = {}, parent: string = tmpdir()) {
    this.dir = mkdtempSync(join(parent, 'coppice-journey-'));
    this.stage = setStage(join(this.dir, 'stage'), env);
  }

  /** Runs a program on the host. */
  host(
    command: string,
    args: readonly string[],
    options: { env?: Record<string, string>; timeout?: number; input?: string } = {},
  ): Ran {
    const done = spawnSync(command, args, {
      cwd: this.stage.dir,
      env: { ...this.stage.env, ...options.env },
      encoding: 'utf8',
      maxBuffer: 256 << 20,
      input: options.input ?? '',
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    if (done.error !== undefined) throw done.error;
    return { status: done.status ?? 128, stdout: done.stdout, stderr: done.stderr };
  }

  /** The same, throwing unless it succeeds. */
  must(command: string, ...args: string[]): string {
    const ran = this.host(command, args);
    if (ran.status !== 0)
      throw new Error(`${command} ${args.join(' ')}: exit status ${ran.status}\n${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  /** Runs shell text inside an instance. */
  inside(machine: string, command: string, env: Record<string, string> = {}): Ran {
    return this.host('coppice', ['instance', 'exec', machine, '--', 'sh', '-c', command], { env });
  }

  mustInside(machine: string, command: string): string {
    const ran = this.inside(machine, command);
    if (ran.status !== 0)
      throw new Error(`[${machine}] ${command}: exit status ${ran.status}\n${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  /** Makes the lab `lab` (from `world` when given) and serves it. */
  async lab(options: { world?: unknown; baseTree?: string } = {}): Promise<void> {
    const args = ['lab', 'init', 'lab'];
    if (options.world !== undefined) {
      writeFileSync(join(this.stage.dir, 'world.json'), JSON.stringify(options.world));
      args.push('--spec', 'world.json');
    }
    if (options.baseTree !== undefined) args.push('--base-tree', options.baseTree);
    this.must('coppice', ...args);
    await this.serve();
  }

  serve(): Promise<void> {
    const server = spawn('coppice', ['lab', 'serve', 'lab'], {
      cwd: this.stage.dir,
      env: this.stage.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('exit', (status) => reject(new Error(`coppice lab serve ended with ${status}`)));
      server.stdout!.once('data', (chunk: Buffer) => {
        this.url = /http:\S+/.exec(chunk.toString())?.[0] ?? '';
        resolve();
      });
    });
  }

  async stopServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    await new Promise((resolve) => {
      server.removeAllListeners('exit');
      server.once('exit', resolve);
      server.kill('SIGTERM');
    });
  }

  create(name: string, stream = 'stable'): void {
    const config = join(this.stage.dir, 'empty.ign');
    writeFileSync(config, '{"ignition": {"version": "3.0.0"}}\n');
    this.must('coppice', 'instance', 'create', name, '--ignition', config, '--stream', stream);
  }

  reboot(name: string): void {
    this.must('coppice', 'instance', 'reboot', name);
  }

  sysroot(name: string): string {
    return join(this.stage.env['XDG_DATA_HOME']!, 'coppice/instances', name, 'sysroot');
  }

  async end(): Promise<void> {
    await this.stopServer();
    removeTree(this.dir);
  }
}
