// What CI reads at the end: tests run and skipped by kind, minutes per suite, why tests were skipped, and last, where a log
// that is cut at its front still shows them, the failures and one closing line.
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
  ms: number;
}

const zero = (): Count => ({ passed: 0, failed: 0, skipped: 0, ms: 0 });

/** `packages/ostree` for a unit test, the file for the others. */
function suiteOf(module: TestModule): string {
  const path = module.relativeModuleId;
  return path.startsWith('packages/') ? path.split('/').slice(0, 2).join('/') : path;
}

/** What a skip is counted under: its note, or the outermost suite of which nothing ran (its title says why), or its own name. */
function skippedAs(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return result.note;
  let name = test.fullName;
  let suite: TestSuite | TestModule = test.parent;
  while (suite.type === 'suite' && suite.state() === 'skipped') {
    name = suite.fullName;
    suite = suite.parent;
  }
  return name;
}

/** First lines of what went wrong; the whole of it stands further up in the log. */
const brief = (errors: ReadonlyArray<{ message: string }>): string =>
  errors.map(({ message }) => message.split('\n', 3).join('\n      ')).join('\n    ');

function add(table: Map<string, Count>, key: string, count: Count): void {
  const row = table.get(key) ?? zero();
  row.passed += count.passed;
  row.failed += count.failed;
  row.skipped += count.skipped;
  row.ms += count.ms;
  table.set(key, row);
}

function print(title: string, table: ReadonlyMap<string, Count>): void {
  console.log(`\n${title.padEnd(44)} passed failed skipped minutes`);
  for (const [name, { passed, failed, skipped, ms }] of table) {
    console.log(
      `${name.padEnd(44)} ${String(passed).padStart(6)} ${String(failed).padStart(6)} ${String(skipped).padStart(7)} ${(ms / 60_000).toFixed(1).padStart(7)}`,
    );
  }
}

export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const kinds = new Map<string, Count>();
    const suites = new Map<string, Count>();
    const total = zero();
    const reasons = new Map<string, number>();
    const failures: string[] = [];
    for (const module of modules) {
      const count = zero();
      count.ms = module.diagnostic().duration;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') count.passed++;
        else if (result.state === 'failed') {
          count.failed++;
          failures.push(`${module.relativeModuleId} > ${test.fullName}\n    ${brief(result.errors)}`);
        } else {
          count.skipped++;
          const why = skippedAs(test);
          reasons.set(why, (reasons.get(why) ?? 0) + 1);
        }
      }
      // A file that could not even be loaded has no tests but must not count as nothing.
      // What a suite's set-up threw belongs to no test.
      const errors = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
      if (module.state() === 'failed' && count.failed === 0) count.failed++;
      if (errors.length > 0) failures.push(`${module.relativeModuleId}\n    ${brief(errors)}`);
      add(kinds, module.project.name, count);
      add(suites, suiteOf(module), count);
      total.passed += count.passed;
      total.failed += count.failed;
      total.skipped += count.skipped;
    }
    print('kind', kinds);
    print('suite', new Map([...suites].sort((a, b) => b[1].ms - a[1].ms)));
    if (reasons.size > 0) console.log('\nskipped:');
    for (const [why, n] of reasons) console.log(`  ${n} x ${why}`);
    if (failures.length > 0) console.log('\nfailed:');
    for (const failure of failures) console.log(`  ${failure}`);
    console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  }
}
