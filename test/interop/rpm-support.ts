// What the rpm tests share: the original tools, the shared packages, and a way to run commands.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const root = join(import.meta.dirname, '../..');
const shared = process.env.COPPICE_SHARED ?? join(root, '../shared');

/** Why the tests of a tool cannot run, or undefined. With CI=true a missing tool is no reason but a failure. */
export function missing(...tools: readonly string[]): string | undefined {
  const gone = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (gone.length === 0) return undefined;
  if (process.env.CI === 'true') throw new Error(`missing: ${gone.join(', ')}`);
  return `${gone.join(', ')} not installed`;
}

/** The packages other projects ship for their own tests; none when the folder is not there. */
export const sharedRpms: readonly string[] = existsSync(join(shared, 'rpms'))
  ? readdirSync(join(shared, 'rpms'))
      .filter((name) => name.endsWith('.rpm'))
      .sort()
      .map((name) => join(shared, 'rpms', name))
  : [];
/** At the end of titles of tests that need them: why they are skipped. */
export const withoutShared = sharedRpms.length === 0 ? ' (skipped: no packages of other projects here)' : '';

export const sharedDatabase = join(shared, 'rpms');

const folders: string[] = [];

/** A temporary folder, removed after the file's tests. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coppice-rpm-'));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const environment = { ...process.env, LC_ALL: 'C', TZ: 'UTC', HOME: '/nonexistent' };

export function call(command: string, args: readonly string[], input?: string | Uint8Array): SpawnSyncReturns<Buffer> {
  return spawnSync(command, args, {
    env: environment,
    maxBuffer: 1 << 28,
    ...(input === undefined ? {} : { input }),
  });
}

/** Standard output of a call that must succeed. */
export function output(command: string, args: readonly string[], input?: string | Uint8Array): Buffer {
  const done = call(command, args, input);
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

/** `rpm -qp` without a look at signatures. */
export function queryPackages(files: readonly string[], ...flags: readonly string[]): Buffer {
  return call('rpm', ['-qp', '--nosignature', '--nodigest', ...flags, ...files]).stdout;
}

/** The same of one. */
export function queryPackage(file: string, ...flags: readonly string[]): Buffer {
  return queryPackages([file], ...flags);
}
