// What a test script's TAP output says.

export interface TapResult {
  /** Of the plan line `1..N`; undefined when there is none. */
  readonly plan: number | undefined;
  readonly ok: number;
  readonly notOk: number;
  /** Reason when the whole script was skipped. */
  readonly skipped: string | undefined;
  /** Single tests that were skipped. */
  readonly skippedTests: number;
}

export function parseTap(text: string): TapResult {
  let plan: number | undefined;
  let ok = 0;
  let notOk = 0;
  let skipped: string | undefined;
  let skippedTests = 0;
  for (const line of text.split('\n')) {
    const planned = /^1\.\.(\d+)(?:\s*#\s*skip\S*\s*(.*))?/i.exec(line);
    if (planned !== null) {
      plan = Number(planned[1]);
      if (plan === 0) skipped = planned[2] ?? '';
    } else if (/^not ok\b/.test(line)) notOk++;
    else if (/^ok\b/.test(line)) {
      ok++;
      if (/#\s*skip/i.test(line)) skippedTests++;
    }
  }
  return { plan, ok, notOk, skipped, skippedTests };
}

/** The original's rule: every planned assertion was printed as ok. */
export function passed(result: TapResult, status: number | null): boolean {
  return status === 0 && result.notOk === 0 && result.skipped === undefined && result.ok === result.plan;
}
