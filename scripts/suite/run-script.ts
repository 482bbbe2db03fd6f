import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTap, passed, type TapResult } from './tap.ts';

/** Where Debian's package ostree-tests puts the scripts. */
export const suiteFolder = '/usr/libexec/installed-tests/libostree';

export interface ScriptRun {
  readonly name: string;
  readonly tap: TapResult;
  readonly passed: boolean;
  readonly status: number | null;
  readonly timedOut: boolean;
  readonly seconds: number;
  /** Everything the script printed. */
  readonly log: string;
}

export interface ScriptSetting {
  /** Put first in PATH; undefined runs the original. */
  readonly bin?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** Where the scripts are; default: Debian's place. */
  readonly suite?: string;
}

/** Runs one script in its own empty folder. */
export function runScript(name: string, setting: ScriptSetting): Promise<ScriptRun> {
  const suite = setting.suite ?? suiteFolder;
  const folder = mkdtempSync(join(tmpdir(), 'suite-ostree-'));
  const logFile = join(tmpdir(), `${folder.split('/').at(-1)}.log`);
  const log = openSync(logFile, 'w+');
  const started = Date.now();
  const env: Record<string, string | undefined> = {
    ...process.env,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    G_TEST_SRCDIR: suite,
    G_TEST_BUILDDIR: suite,
    ...setting.env,
  };
  if (setting.bin !== undefined) env['PATH'] = `${setting.bin}:${env['PATH']}`;
  const path = join(suite, name);
  const [command, args] = name.endsWith('.py') ? ['/usr/bin/python3', [path]] : ['/bin/bash', [path]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', log, log], detached: true });
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        // The script's whole process group, which is ours.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      },
      (setting.timeoutSeconds ?? 600) * 1000,
    );
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      closeSync(log);
      const text = readFileSync(logFile, 'utf8');
      rmSync(logFile, { force: true });
      rmSync(folder, { recursive: true, force: true });
      const tap = parseTap(text);
      resolve({
        name,
        tap,
        passed: passed(tap, status),
        status,
        timedOut,
        seconds: (Date.now() - started) / 1000,
        log: text,
      });
    });
  });
}
