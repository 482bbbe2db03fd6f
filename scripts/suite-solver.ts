// npm run suite:solver -- FILE|FOLDER...     run libsolv test cases (.t) with our solver: pass or fail for each and a count
// npm run suite:solver -- --judge N [SEED]   N generated problems, ours against testsolv (or the command in TESTSOLV)
//                                            (--wide: with every job, flag and switch; --debian: over the packages of
//                                            this Debian system)
// Options: --verbose (print differences), --masked (do not compare ids of problems and solutions), --rules, --alternatives
// (compare those too); --print SEED writes a generated problem out. Exit status: 0 when all passed, 1 when not, 2 when the
// command line makes no sense.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { CoppiceError, isCoppiceError, messageOf, prefixError, strerror } from '../packages/base/src/index.ts';
import { runTestCase } from '../packages/rpm/src/solver/testcase/testcase.ts';
import { generateCase } from '../test/interop/solver-cases.ts';
import { generateDebianCase } from '../test/interop/solver-debian-cases.ts';
import { generateWideCase } from '../test/interop/solver-wide-cases.ts';

const usage = `usage: npm run suite:solver -- [--verbose] [--masked] FILE|FOLDER...
       npm run suite:solver -- --judge N [SEED] [--wide | --debian] [--rules] [--alternatives] [--verbose] [--masked]
       npm run suite:solver -- --print SEED [--wide | --debian]`;

function wrongUse(message: string): never {
  console.error(`error: ${message}\n${usage}`);
  process.exit(2);
}

function parsedArguments() {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...{ verbose: flag, masked: flag, rules: flag, wide: flag, debian: flag, alternatives: flag },
        ...{ judge: flag, print: flag, help: { ...flag, short: 'h' } },
      },
    });
  } catch (error) {
    return wrongUse(messageOf(error).replace(/\. To specify .*/s, ''));
  }
}

const { values, positionals } = parsedArguments();
const judge = process.env.TESTSOLV ?? 'testsolv';
const { masked: masking, verbose } = values;
const generate = values.debian ? generateDebianCase : values.wide ? generateWideCase : generateCase;
const kinds = values.alternatives
  ? 'transaction,problems,alternatives'
  : values.rules
    ? 'transaction,problems,rules'
    : '';
/** npm runs scripts in the project's folder: names are meant from where it was called. */
const calledFrom = process.env.INIT_CWD ?? process.cwd();

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

/** A file's text, unpacked; its name does not stand in the error. */
function text(path: string): string {
  try {
    const bytes = readFileSync(path);
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    const words = code?.startsWith('E') === true ? strerror(code) : messageOf(error);
    throw new CoppiceError('Invalid', words, { cause: error });
  }
}

/** The test cases that arguments mean; of a folder all below it. What is not there stays, to be told of. */
function testCases(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const path = resolve(calledFrom, name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [name];
    const found = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((below) => below.endsWith('.t'))
      .sort();
    if (found.length === 0) wrongUse(`${name}: no test cases (*.t) in this folder`);
    return found.map((below) => join(name, below));
  });
}

/** What differs in a test case, a line each. */
function runFile(name: string): string[] {
  const file = resolve(calledFrom, name);
  const results = runTestCase(text(file), {
    readFile: (beside) => {
      try {
        return text(resolve(dirname(file), beside));
      } catch (error) {
        throw prefixError(error, beside);
      }
    },
    flags: { preferlibraries: true },
  });
  const compared = results.filter(({ expected }) => expected !== undefined);
  if (compared.length === 0) throw new CoppiceError('Invalid', 'nothing to compare: it has no expected result');
  return compared.flatMap((r) => differences(r.expected!, r.actual).map((d) => `  line ${r.line}: ${d}`));
}

/** A message as one line of text, whatever a file held. */
const oneLine = (error: unknown): string => {
  const line = messageOf(error)
    .split('\n')[0]!
    .replace(/[\x00-\x1f\x7f-\x9f\ufffd]+/g, '?');
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
};

function runFiles(files: readonly string[]): number {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of files) {
    let bad: string[];
    try {
      bad = runFile(file);
    } catch (error) {
      const message = oneLine(error);
      if (isCoppiceError(error, 'Unsupported') && message.includes('not built yet: feature ')) {
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

/** The number that an argument gives. */
function numberOf(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) wrongUse(`${what}: not a number: ${text ?? 'none given'}`);
  return Number(text);
}

function main(): number {
  const [first, second] = positionals;
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.judge) return runJudge(numberOf(first ?? '1000', '--judge'), numberOf(second ?? '1', 'seed'));
  if (values.print) {
    console.log(generate(numberOf(first, '--print')));
    return 0;
  }
  if (positionals.length === 0) wrongUse('no test case named');
  return runFiles(testCases(positionals));
}

try {
  process.exitCode = main();
} catch (error) {
  const missing = (error as { code?: unknown }).code === 'ENOENT' && values.judge;
  console.error(
    `error: ${missing ? `${judge}: not found (libsolv-tools has it; TESTSOLV names another)` : messageOf(error)}`,
  );
  process.exitCode = 2;
}
