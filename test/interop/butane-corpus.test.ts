// butane against the recorded answers of Butane 0.29: the whole corpus; `scripts/corpus.ts` prints the figures.
import { describe, expect, it } from 'vitest';
import { caseNames, runCase } from './config-corpus.ts';

const names = caseNames('butane', 'all');

describe.skipIf(names === undefined)('butane, recorded cases (skipped without the corpus)', () => {
  it.each(names ?? [])('%s', (name) => {
    const { want, got } = runCase('butane', name);
    expect(got).toEqual(want);
  });
});
