import { spawn } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTap, passed, type TapResult } from './tap.ts';
import { unlock, unlocks } from './unlock.ts';

/** Where Debian's package ostree-tests puts the scripts. */
export const suiteFolder = '/usr/libexec/installed-tests/libostree';

/** Serves files for the suite's pull tests; other releases' suites leave it to the caller. */
const httpd = '/usr/libexec/libostree/ostree-trivial-httpd';

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
  /** Runs as this user and group, without any other. */
  readonly uid?: number | undefined;
}

/** Runs one script in its own empty folder. */
export async function runScript(name: string, setting: ScriptSetting): Promise<ScriptRun> {
  const suite = setting.suite ?? suiteFolder;
  const way = Object.hasOwn(unlocks, name) ? unlocks[name] : undefined;
  const fits = way?.stableOnly !== true || suite === suiteFolder;
  const usable = fits && (way?.needsRoot !== true || setting.uid === undefined) ? way : undefined;
  const opened =
    usable === undefined ? undefined : unlock(usable, name, suite, mkdtempSync(join(tmpdir(), 'suite-unlock-')));
  try {
    const path = [opened?.path, setting.bin, process.env['PATH']].filter((part) => part !== undefined).join(':');
    return await runIn(mkdtempSync(join(opened?.base ?? tmpdir(), 'suite-ostree-')), {
      name,
      script: opened?.script ?? join(suite, name),
      uid: setting.uid,
      timeoutSeconds: setting.timeoutSeconds ?? 600,
      env: {
        ...process.env,
        LC_ALL: 'C.UTF-8',
        TZ: 'UTC',
        G_TEST_SRCDIR: suite,
        G_TEST_BUILDDIR: suite,
        ...(suite === suiteFolder ? {} : { OSTREE_HTTPD: process.env['OSTREE_HTTPD'] ?? httpd }),
        ...usable?.env,
        ...setting.env,
        PATH: path,
      },
    });
  } finally {
    opened?.close();
  }
}

interface Start {
  readonly name: string;
  readonly script: string;
  readonly uid: number | undefined;
  readonly timeoutSeconds: number;
  readonly env: NodeJS.ProcessEnv;
}

function runIn(folder: string, start: Start): Promise<ScriptRun> {
  const logFile = join(tmpdir(), `${folder.split('/').at(-1)}.log`);
  const log = openSync(logFile, 'w+');
  const started = Date.now();
  const interpreter = start.name.endsWith('.py')
    ? '/usr/bin/python3'
    : start.name.endsWith('.js')
      ? '/usr/bin/gjs'
      : '/bin/bash';
  const user: string[] = [];
  if (start.uid !== undefined) {
    chownSync(folder, start.uid, start.uid);
    user.push('setpriv', `--reuid=${start.uid}`, `--regid=${start.uid}`, '--clear-groups', '--inh-caps=-all');
  }
  const [command, ...args] = [...user, interpreter, start.script];
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, {
      cwd: folder,
      env: start.uid === undefined ? start.env : { ...start.env, HOME: folder },
      stdio: ['ignore', log, log],
      detached: true,
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      // The script's whole process group, which is ours.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, start.timeoutSeconds * 1000);
    child.on('error', reject);
    child.on('exit', (status) => {
      clearTimeout(timer);
      closeSync(log);
      const text = readFileSync(logFile, 'utf8');
      rmSync(logFile, { force: true });
      rmSync(folder, { recursive: true, force: true });
      const tap = parseTap(text);
      resolve({
        name: start.name,
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
