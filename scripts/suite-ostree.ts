// npm run suite:ostree -- [SCRIPT...]: Debian's own test suite of ostree (package ostree-tests) against our command.
//   SCRIPT           names such as test-refs.sh, or `refs`; default: every shell script of the suite
//   --original       run each with the original too and compare
//   --log DIR        keep what every script printed
//   --timeout SEC    per script, default 600
//   --jobs N         scripts at the same time, default 1
//   --level LEVEL    default 2022.7
//   --suite DIR      the scripts of another release, e.g. from a chroot: run them with --level of that release
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript, type ScriptRun, suiteFolder } from './suite/run-script.ts';
import { skipTable } from './suite/skip-table.ts';

const root = join(import.meta.dirname, '..');

export function suiteScripts(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^test-.*\.(sh|py|js)$/.test(name))
    .sort();
}

function describe(run: ScriptRun | undefined): string {
  if (run === undefined) return '-';
  if (run.tap.skipped !== undefined) return `skip (${run.tap.skipped})`;
  const count = `${run.tap.ok}/${run.tap.plan ?? '?'}`;
  const skips = run.tap.skippedTests > 0 ? ` (${run.tap.skippedTests} skipped)` : '';
  return run.passed ? `${count}${skips}` : `FAIL ${count}${run.timedOut ? ' timeout' : ` exit ${run.status}`}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      original: { type: 'boolean' },
      log: { type: 'string' },
      timeout: { type: 'string', default: '600' },
      jobs: { type: 'string', default: '1' },
      level: { type: 'string', default: '2022.7' },
      suite: { type: 'string', default: suiteFolder },
    },
  });
  if (!existsSync(values.suite)) {
    console.error(`error: ${values.suite} is missing; install Debian's package ostree-tests`);
    return 2;
  }
  const names =
    positionals.length > 0
      ? positionals.map((name) => (/^test-.*\.(sh|py|js)$/.test(name) ? name : `test-${name}.sh`))
      : suiteScripts(values.suite);
  const dist = process.env['COPPICE_DIST'] ?? join(root, 'node_modules', '.cache', 'suite-ostree');
  if (process.env['COPPICE_DIST'] === undefined) await (await import('./build.ts')).bundle(dist);
  if (values.log !== undefined) mkdirSync(values.log, { recursive: true });
  const timeoutSeconds = Number(values.timeout);
  let failed = 0;
  let ok = 0;
  const width = Math.max(...names.map((name) => name.length));
  const one = async (name: string): Promise<void> => {
    const skip = Object.hasOwn(skipTable, name) ? skipTable[name] : undefined;
    if (skip !== undefined) {
      console.log(`${name.padEnd(width)}  left out: ${skip}`);
      return;
    }
    const ours = await runScript(name, {
      bin: join(root, 'bin'),
      env: { COPPICE_DIST: dist, COPPICE_COMPAT: `ostree=${values.level}` },
      timeoutSeconds,
      suite: values.suite,
    });
    const original = values.original ? await runScript(name, { timeoutSeconds }) : undefined;
    if (values.log !== undefined) {
      writeFileSync(join(values.log, `${name}.log`), ours.log);
      if (original !== undefined) writeFileSync(join(values.log, `${name}.original.log`), original.log);
    }
    ok += ours.tap.ok;
    if (!ours.passed && ours.tap.skipped === undefined) failed++;
    const times = `${ours.seconds.toFixed(1)} s${original === undefined ? '' : ` / ${original.seconds.toFixed(1)} s`}`;
    const beside = original === undefined ? '' : `  original ${describe(original)}`;
    console.log(`${name.padEnd(width)}  ${describe(ours)}${beside}  ${times}`);
  };
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await one(name);
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  console.log(`${ok} assertions passed, ${failed} scripts failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
