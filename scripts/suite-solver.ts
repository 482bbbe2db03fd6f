// npm run suite:solver -- FILE...            run libsolv test cases (.t) with our solver: pass/fail for each and a count
// npm run suite:solver -- --judge N [SEED]   N generated problems, ours against testsolv
// Options: --exact (compare ids of problems and solutions too), --verbose (print differences), --rules, --alternatives (compare those too).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../packages/base/src/index.ts';
import { type CaseResult, runTestCase } from '../packages/rpm/src/solver/testcase/testcase.ts';
import { generateCase } from '../test/interop/solver-cases.ts';

const args = process.argv.slice(2);
const take = (flag: string): boolean => {
  const at = args.indexOf(flag);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
};
const judge = process.env.TESTSOLV ?? 'testsolv';
const exact = take('--exact');
const verbose = take('--verbose');
const withRules = take('--rules');
const kinds = take('--alternatives')
  ? 'transaction,problems,alternatives'
  : withRules
    ? 'transaction,problems,rules'
    : '';

/** Ids of problems depend on which proof was found; without --exact they are masked. */
function masked(lines: readonly string[]): string[] {
  if (exact) return [...lines];
  return [
    ...new Set(
      lines.map((l) =>
        l.replace(/^problem [0-9a-f]{8} /, 'problem * ').replace(/ solution [0-9a-f]{8} /, ' solution * '),
      ),
    ),
  ].sort();
}

function differences(expected: readonly string[], actual: readonly string[]): string[] {
  const a = masked(expected);
  const b = masked(actual);
  return [
    ...a.filter((l) => !b.includes(l)).map((l) => `-${l}`),
    ...b.filter((l) => !a.includes(l)).map((l) => `+${l}`),
  ];
}

function runFiles(files: readonly string[]): number {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of files) {
    let results: CaseResult[] = [];
    let error = '';
    try {
      results = runTestCase(readFileSync(file, 'utf8'), {
        readFile: (name) => readFileSync(resolve(dirname(file), name), 'utf8'),
      });
    } catch (e) {
      error = messageOf(e);
    }
    if (error.startsWith('not built yet: the package kind')) {
      skipped++;
      console.log(`skip ${file}: ${error}`);
      continue;
    }
    const bad = results.flatMap((r) =>
      r.expected === undefined ? [] : differences(r.expected, r.actual).map((d) => `  line ${r.line}: ${d}`),
    );
    if (error === '' && bad.length === 0) {
      passed++;
      console.log(`pass ${file}`);
      continue;
    }
    failed++;
    console.log(`FAIL ${file}${error === '' ? '' : `: ${error}`}`);
    if (verbose) for (const line of bad) console.log(line);
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped of ${files.length}`);
  return failed === 0 ? 0 : 1;
}

function runJudge(count: number, first: number): number {
  const dir = mkdtempSync(join(tmpdir(), 'suite-solver-'));
  const file = join(dir, 'case.t');
  let same = 0;
  const differing: number[] = [];
  try {
    for (let seed = first; seed < first + count; seed++) {
      const text = generateCase(seed) + (kinds === '' ? '' : `result ${kinds}\n`);
      writeFileSync(file, text);
      const expected = execFileSync(judge, ['-r', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .split('\n')
        .filter((l) => l !== '');
      let diff: string[];
      try {
        diff = differences(
          expected,
          runTestCase(text, { alternatives: process.env.TESTSOLV === undefined ? 'statement' : 'phrase' })[0]?.actual ??
            [],
        );
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
  console.log(`${same} of ${count} the same (${((100 * same) / count).toFixed(1)} %)`);
  if (differing.length > 0) console.log(`different: ${differing.join(' ')}`);
  return same >= 0.97 * count ? 0 : 1;
}

if (args[0] === '--judge') process.exit(runJudge(Number(args[1] ?? '1000'), Number(args[2] ?? '1')));
if (args[0] === '--print') {
  console.log(generateCase(Number(args[1])));
  process.exit(0);
}
if (args.length === 0) {
  console.error('error: no test case named');
  process.exit(1);
}
process.exit(runFiles(args));
