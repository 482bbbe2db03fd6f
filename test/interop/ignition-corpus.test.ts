// ignition-validate against the recorded answers of the original: the whole corpus; `scripts/corpus.ts` prints the figures.
import { describe, expect, it } from 'vitest';
import { caseNames, runCase } from './config-corpus.ts';

const names = caseNames('ignition', 'all');

describe.skipIf(names === undefined)('ignition-validate, recorded cases (skipped without the corpus)', () => {
  it.each(names ?? [])('%s', (name) => {
    const { want, got } = runCase('ignition', name);
    expect(got).toEqual(want);
  });
});
