// The page docs/ostree-suite.md, from files of results.
import { describeOutcome, type Outcome, type Results } from './results.ts';
import { skipTable } from './skip-table.ts';
import { unlocks } from './unlock.ts';

function column(results: Results): string {
  return `${results.level}, ${results.user}`;
}

/** One row for each script, one pair of columns (ours, original) for each run. */
export function suitePage(runs: readonly Results[]): string {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.scripts)))].sort();
  const lines = [
    "# Debian's suite of ostree against our command",
    '',
    'Made by `npm run suite:ostree -- --results FILE ...` and `npm run suite:ostree -- --page FILE...`; how to run it:',
    '[ostree-command.md](ostree-command.md). Assertions that passed, of those planned: with ours first in `PATH`, and with the',
    'original. A script that skips itself for both proves nothing; its reason is below.',
    '',
    `| script | ${runs.map((run) => `${column(run)}: ours | original`).join(' | ')} |`,
    `|---|${runs.map(() => '---|---|').join('')}`,
  ];
  const cell = (name: string, run: Results, side: 'ours' | 'original'): string =>
    describeOutcome(run.scripts[name]?.[side]) || '-';
  for (const name of names) {
    if (Object.hasOwn(skipTable, name)) continue;
    const cells = runs.flatMap((run) => [cell(name, run, 'ours'), cell(name, run, 'original')]);
    if (cells.every((text) => text === '-')) continue;
    lines.push(`| ${name.replace(/^test-/, '').replace(/\.sh$/, '')} | ${cells.join(' | ')} |`);
  }
  lines.push('', '## Sums', '', '| run | scripts that pass | assertions | fail | skip |', '|---|---|---|---|---|');
  for (const run of runs) {
    for (const side of ['ours', 'original'] as const) {
      const all = Object.entries(run.scripts)
        .filter(([name]) => !Object.hasOwn(skipTable, name))
        .map(([, result]) => result[side])
        .filter((one): one is Outcome => one !== undefined);
      if (all.length === 0) continue;
      const passed = all.filter((one) => one.passed);
      const skipped = all.filter((one) => one.skipped !== null);
      const assertions = passed.reduce((sum, one) => sum + one.ok, 0);
      const failed = all.length - passed.length - skipped.length;
      lines.push(`| ${column(run)}: ${side} | ${passed.length} | ${assertions} | ${failed} | ${skipped.length} |`);
    }
  }
  lines.push('', '## Skipped', '');
  for (const name of names) {
    for (const run of runs) {
      const { ours, original } = run.scripts[name] ?? {};
      if (typeof ours?.skipped !== 'string') continue;
      const both = original === undefined ? '' : original.skipped === null ? ' (only ours)' : ' (the original too)';
      lines.push(`- ${name} at ${column(run)}: ${ours.skipped}${both}`);
    }
  }
  lines.push('', '## Let run', '');
  for (const [name, way] of Object.entries(unlocks)) {
    lines.push(`- ${name}: ${way.note}, for both${way.needsRoot === true ? ' (as root)' : ''}`);
  }
  lines.push('', '## Left out', '');
  for (const [name, reason] of Object.entries(skipTable)) lines.push(`- ${name}: ${reason}`);
  return `${lines.join('\n')}\n`;
}
