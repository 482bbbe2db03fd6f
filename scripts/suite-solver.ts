// npm run suite:solver -- FILE...            run libsolv test cases (.t) with our solver: pass or fail for each and a count
// npm run suite:solver -- --judge N [SEED]   N generated problems, ours against testsolv (or the command in TESTSOLV)
//                                            (--wide: with every job, flag and switch; --debian: over the packages of
//                                            this Debian system)
// Options: --verbose (print differences), --masked (do not compare ids of problems and solutions), --rules, --alternatives
// (compare those too).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isCoppiceError, messageOf } from '../packages/base/src/index.ts';
import { type CaseResult, runTestCase } from '../packages/rpm/src/solver/testcase/testcase.ts';
import { generateCase } from '../test/interop/solver-cases.ts';
import { generateDebianCase } from '../test/interop/solver-debian-cases.ts';
import { generateWideCase } from '../test/interop/solver-wide-cases.ts';

const args = process.argv.slice(2);
const take = (flag: string): boolean => {
  const at = args.indexOf(flag);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
};
const judge = process.env.TESTSOLV ?? 'testsolv';
const masking = take('--masked');
const verbose = take('--verbose');
take('--exact'); // what is done anyhow
const withRules = take('--rules');
const wide = take('--wide');
const generate = take('--debian') ? generateDebianCase : wide ? generateWideCase : generateCase;
const kinds = take('--alternatives')
  ? 'transaction,problems,alternatives'
  : withRules
    ? 'transaction,problems,rules'
    : '';

/** With --masked ids of problems are hidden: they depend on which proof was found. */
function masked(lines: readonly string[]): string[] {
  if (!masking) return [...lines];
  return [
    ...new Set(
      lines.map((l) =>
        l.replace(/^problem [0-9a-f]{8} /, 'problem * ').replace(/ solution [0-9a-f]{8} /, ' solution * '),
      ),
    ),
  ].sort();
}

/** Lines that only one side has, as often as that is so. */
function differences(expected: readonly string[], actual: readonly string[]): string[] {
  const count = new Map<string, number>();
  for (const l of masked(expected)) count.set(l, (count.get(l) ?? 0) + 1);
  for (const l of masked(actual)) count.set(l, (count.get(l) ?? 0) - 1);
  const out: string[] = [];
  for (const [l, n] of count) for (let i = Math.abs(n); i > 0; i--) out.push(`${n > 0 ? '-' : '+'}${l}`);
  return out;
}

function text(path: string): string {
  const bytes = readFileSync(path);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
}

function runFile(file: string): CaseResult[] {
  return runTestCase(text(file), {
    readFile: (name) => text(resolve(dirname(file), name)),
    flags: { preferlibraries: true },
  });
}

function runFiles(files: readonly string[]): number {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of files) {
    let bad: string[];
    try {
      bad = runFile(file).flatMap((r) =>
        r.expected === undefined ? [] : differences(r.expected, r.actual).map((d) => `  line ${r.line}: ${d}`),
      );
    } catch (e) {
      const message = messageOf(e).split('\n')[0]!;
      if (isCoppiceError(e) && message.startsWith('not built yet: feature ')) {
        skipped++;
        console.log(`skip ${file}: ${message}`);
      } else {
        failed++;
        console.log(`FAIL ${file}: ${message}`);
      }
      continue;
    }
    if (bad.length === 0) {
      passed++;
      console.log(`pass ${file}`);
    } else {
      failed++;
      console.log(`FAIL ${file}`);
      if (verbose) for (const line of bad) console.log(line);
    }
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped of ${files.length}`);
  return failed === 0 ? 0 : 1;
}

function runJudge(count: number, first: number): number {
  const dir = mkdtempSync(join(tmpdir(), 'suite-solver-'));
  const file = join(dir, 'case.t');
  let same = 0;
  const differing: number[] = [];
  const crashed: number[] = [];
  try {
    for (let seed = first; seed < first + count; seed++) {
      const problem = generate(seed) + (kinds === '' ? '' : `result ${kinds}\n`);
      writeFileSync(file, problem);
      const judged = spawnSync(judge, ['-r', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      if (judged.error !== undefined) throw judged.error;
      if (judged.signal !== null) {
        crashed.push(seed);
        continue;
      }
      const expected = judged.stdout.split('\n').filter((l) => l !== '');
      let diff: string[];
      try {
        const alternatives = process.env.TESTSOLV === undefined ? 'statement' : 'phrase';
        diff = differences(expected, runTestCase(problem, { alternatives })[0]?.actual ?? []);
      } catch (e) {
        diff = [`! ${e instanceof Error ? e.stack : String(e)}`];
      }
      if (diff.length === 0) same++;
      else {
        differing.push(seed);
        if (verbose) console.log(`seed ${seed}:\n${diff.map((l) => `  ${l}`).join('\n')}`);
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const judgedCases = count - crashed.length;
  console.log(`${same} of ${judgedCases} the same (${((100 * same) / judgedCases).toFixed(1)} %)`);
  if (crashed.length > 0) console.log(`${judge} crashed, not judged: ${crashed.join(' ')}`);
  if (differing.length > 0) console.log(`different: ${differing.join(' ')}`);
  return judgedCases > 0 && same >= 0.97 * judgedCases ? 0 : 1;
}

if (args[0] === '--judge') process.exit(runJudge(Number(args[1] ?? '1000'), Number(args[2] ?? '1')));
if (args[0] === '--print') {
  console.log(generate(Number(args[1])));
  process.exit(0);
}
if (args.length === 0) {
  console.error('error: no test case named');
  process.exit(1);
}
process.exit(runFiles(args));
