import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTimestamp } from '../../src/ostree/timestamp.ts';

// 2026-11-25 20:00:00 UTC, a Wednesday. Expected seconds come from GNU date: `date -u -d TEXT +%s` at that moment.
const now = Date.UTC(2026, 10, 25, 20, 0, 0);
const utc = (...args: Parameters<typeof Date.UTC>): number => Date.UTC(...args) / 1000;

describe('timestamps', () => {
  let zone: string | undefined;
  beforeAll(() => {
    zone = process.env['TZ'];
    process.env['TZ'] = 'UTC';
  });
  afterAll(() => {
    process.env['TZ'] = zone ?? 'UTC';
  });

  it.each<[string, number]>([
    ['@0', 0],
    ['@12.5', 12],
    ['@-3', -3],
    ['2020-01-02', utc(2020, 0, 2)],
    ['20200102', utc(2020, 0, 2)],
    ['2020-01-02 03:04', utc(2020, 0, 2, 3, 4)],
    ['2020-01-02 03:04:05', utc(2020, 0, 2, 3, 4, 5)],
    ['2020-01-02T03:04:05Z', utc(2020, 0, 2, 3, 4, 5)],
    ['2020-01-02 03:04:05.5 +0130', utc(2020, 0, 2, 1, 34, 5)],
    ['2020-01-02 03:04:05 EST', utc(2020, 0, 2, 8, 4, 5)],
    ['Thu, 02 Jan 2020 03:04:05 -0500', utc(2020, 0, 2, 8, 4, 5)],
    ['October 15 1985', utc(1985, 9, 15)],
    ['Jan 1 2020 10pm', utc(2020, 0, 1, 22)],
    ['1 Jan 2020', utc(2020, 0, 1)],
    ['01/02/2020', utc(2020, 0, 2)],
    ['now', now / 1000],
    ['yesterday', now / 1000 - 86400],
    ['tomorrow', now / 1000 + 86400],
    ['1 week ago', now / 1000 - 7 * 86400],
    ['2 days ago', now / 1000 - 2 * 86400],
    ['3 hours ago', now / 1000 - 3 * 3600],
    ['1 month ago', utc(2026, 9, 25, 20)],
    ['last year', utc(2025, 10, 25, 20)],
    ['friday', utc(2026, 10, 27)],
    ['next monday', utc(2026, 10, 30)],
    ['', utc(2026, 10, 25)],
    ['2020-01-31 +1 day', utc(2020, 1, 1)],
  ])('%s', (text, seconds) => {
    expect(parseTimestamp(text, now)).toBe(seconds);
  });

  it.each(['zz', '2020-13-01', '25:00', '@', 'yesterday foo', '2020-02-30', '1 2 3', 'noon'])('refuses %s', (text) => {
    expect(parseTimestamp(text, now)).toBeUndefined();
  });
});
