// What CI reads at the end: tests run and skipped by kind, why tests were skipped, minutes per suite, one closing line.
import type { Reporter, TestModule } from 'vitest/node';

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
    for (const module of modules) {
      const count = zero();
      count.ms = module.diagnostic().duration;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') count.passed++;
        else if (result.state === 'failed') count.failed++;
        else {
          count.skipped++;
          const why = (result.state === 'skipped' ? result.note : undefined) ?? test.fullName;
          reasons.set(why, (reasons.get(why) ?? 0) + 1);
        }
      }
      // A file that could not even be loaded has no tests but must not count as nothing.
      if (module.state() === 'failed' && count.failed === 0) count.failed++;
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
    console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  }
}
