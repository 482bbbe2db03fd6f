// npm run suite:ostree -- [SCRIPT...]: Debian's own test suite of ostree (package ostree-tests) against our command.
//   SCRIPT           names such as test-refs.sh, or `refs`; default: every script of the suite
//   --original       run each with the original too and compare
//   --only-original  run the original only
//   --log DIR        keep what every script printed
//   --timeout SEC    per script, default 600
//   --jobs N         scripts at the same time, default 1
//   --level LEVEL    default 2022.7
//   --suite DIR      the scripts of another release, e.g. from a chroot: run them with --level of that release
//   --judge DIR      a folder with that release's `ostree`
//   --user           as nobody instead of root
//   --results FILE   keep the results; scripts that have one and passed or skipped are not run again
//   --budget SEC     start no further script after that time (run again with the same --results to go on)
//   --page FILE...   print the page of results (docs/ostree-suite.md) from such files and end
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeOutcome, type Outcome, outcome, readResults, writeResults } from './suite/results.ts';
import { runScript, type ScriptRun, suiteFolder } from './suite/run-script.ts';
import { skipTable } from './suite/skip-table.ts';
import { suitePage } from './suite/table.ts';

const root = join(import.meta.dirname, '..');
const nobody = 65534;

export function suiteScripts(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^test-.*\.(sh|py|js)$/.test(name))
    .sort();
}

function describe(run: ScriptRun | undefined): string {
  if (run === undefined) return '-';
  if (run.tap.skipped !== undefined) return `skip (${run.tap.skipped})`;
  return `${describeOutcome(outcome(run))}${run.passed ? '' : run.timedOut ? ' timeout' : ` exit ${run.status}`}`;
}

const settled = (done: Outcome | undefined): boolean => done !== undefined && (done.passed || done.skipped !== null);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      original: { type: 'boolean' },
      'only-original': { type: 'boolean' },
      log: { type: 'string' },
      timeout: { type: 'string', default: '600' },
      jobs: { type: 'string', default: '1' },
      level: { type: 'string', default: '2022.7' },
      suite: { type: 'string', default: suiteFolder },
      judge: { type: 'string' },
      user: { type: 'boolean' },
      results: { type: 'string' },
      budget: { type: 'string' },
      page: { type: 'boolean' },
    },
  });
  if (values.page) {
    process.stdout.write(suitePage(positionals.map((path) => readResults(path, '', 'root'))));
    return 0;
  }
  if (!existsSync(values.suite)) {
    console.error(`error: ${values.suite} is missing; install Debian's package ostree-tests`);
    return 2;
  }
  const names =
    positionals.length > 0
      ? positionals.map((name) => (/^test-.*\.(sh|py|js)$/.test(name) ? name : `test-${name}.sh`))
      : suiteScripts(values.suite);
  const unknown = names.filter((name) => !existsSync(join(values.suite, name)));
  if (unknown.length > 0) {
    console.error(`error: not in ${values.suite}: ${unknown.join(', ')}`);
    return 2;
  }
  const dist = process.env['COPPICE_DIST'] ?? join(root, 'node_modules', '.cache', 'suite-ostree');
  if (process.env['COPPICE_DIST'] === undefined) await (await import('./build.ts')).bundle(dist);
  if (values.log !== undefined) mkdirSync(values.log, { recursive: true });
  const timeoutSeconds = Number(values.timeout);
  const end = Date.now() + Number(values.budget ?? Number.POSITIVE_INFINITY) * 1000;
  const results = readResults(values.results ?? '', values.level, values.user ? 'user' : 'root');
  let failed = 0;
  let ok = 0;
  let left = 0;
  const width = Math.max(...names.map((name) => name.length));
  const one = async (name: string): Promise<void> => {
    const known = results.scripts[name];
    const skip = Object.hasOwn(skipTable, name) ? skipTable[name] : undefined;
    const wantsOurs = skip === undefined && !values['only-original'] && !settled(known?.ours);
    const wantsOriginal = (values.original || values['only-original']) && !settled(known?.original);
    if (skip !== undefined && !wantsOriginal) {
      console.log(`${name.padEnd(width)}  left out: ${skip}`);
      return;
    }
    if (!wantsOurs && !wantsOriginal) return;
    if (Date.now() > end) {
      left++;
      return;
    }
    const setting = { timeoutSeconds, suite: values.suite, uid: values.user ? nobody : undefined };
    const env = { COPPICE_DIST: dist, COPPICE_COMPAT: `ostree=${values.level}` };
    const ours = wantsOurs ? await runScript(name, { ...setting, bin: join(root, 'bin'), env }) : undefined;
    const original = wantsOriginal ? await runScript(name, { ...setting, bin: values.judge }) : undefined;
    if (values.log !== undefined) {
      if (ours !== undefined) writeFileSync(join(values.log, `${name}.log`), ours.log);
      if (original !== undefined) writeFileSync(join(values.log, `${name}.original.log`), original.log);
    }
    results.scripts[name] = {
      ...known,
      ...(ours === undefined ? {} : { ours: outcome(ours) }),
      ...(original === undefined ? {} : { original: outcome(original) }),
    };
    if (values.results !== undefined) writeResults(values.results, results);
    ok += ours?.tap.ok ?? 0;
    if (ours !== undefined && !ours.passed && ours.tap.skipped === undefined) failed++;
    const times = [ours, original].map((run) => (run === undefined ? '-' : `${run.seconds.toFixed(1)} s`)).join(' / ');
    const beside = original === undefined ? '' : `  original ${describe(original)}`;
    console.log(`${name.padEnd(width)}  ${describe(ours)}${beside}  ${times}`);
  };
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await one(name);
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  console.log(
    `${ok} assertions passed, ${failed} scripts failed${left > 0 ? `, ${left} scripts left for the next run` : ''}`,
  );
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
