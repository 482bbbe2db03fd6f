// What runs of the suite gave, kept in a file so that a long run can be done in parts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ScriptRun } from './run-script.ts';

export interface Outcome {
  readonly ok: number;
  readonly plan: number | null;
  readonly skippedTests: number;
  /** Why the whole script was skipped. */
  readonly skipped: string | null;
  readonly passed: boolean;
  readonly seconds: number;
}

export interface ScriptResult {
  readonly ours?: Outcome;
  readonly original?: Outcome;
}

export interface Results {
  readonly level: string;
  readonly user: 'root' | 'user';
  readonly scripts: Record<string, ScriptResult>;
}

export function outcome(run: ScriptRun): Outcome {
  return {
    ok: run.tap.ok,
    plan: run.tap.plan ?? null,
    skippedTests: run.tap.skippedTests,
    skipped: run.tap.skipped ?? null,
    passed: run.passed,
    seconds: Math.round(run.seconds * 10) / 10,
  };
}

export function readResults(path: string, level: string, user: Results['user']): Results {
  if (!existsSync(path)) return { level, user, scripts: {} };
  return JSON.parse(readFileSync(path, 'utf8')) as Results;
}

export function writeResults(path: string, results: Results): void {
  writeFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
}

/** `13/13`, with what was skipped within, or why all of it was. */
export function describeOutcome(run: Outcome | undefined): string {
  if (run === undefined) return '';
  if (run.skipped !== null) return 'skip';
  const inside = run.skippedTests > 0 ? ` (${run.skippedTests} skipped)` : '';
  return `${run.passed ? '' : 'FAIL '}${run.ok}/${run.plan ?? '?'}${inside}`;
}
