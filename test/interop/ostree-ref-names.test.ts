// Refs below other refs, and with names as long as the system takes them or longer, beside the original.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from './ostree-identical.ts';
import { ours, theirs } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const title = skipReason === undefined ? '' : ` (skipped: ${skipReason})`;

/** Names of so many characters in directories of 200. */
function long(length: number): string {
  return 'x'.padStart(length, `${'a'.repeat(200)}/`);
}

describe.skipIf(skipReason !== undefined)(`Names of refs${title}`, () => {
  const place = scratch();
  const path = (side: string): string => join(place.path, side);

  beforeAll(() => {
    mkdirSync(path('tree'));
    for (const side of ['theirs', 'ours']) {
      originalOutput('init', `--repo=${path(side)}`, '--mode=bare-user');
      originalOutput('commit', `--repo=${path(side)}`, '-b', 'new', '--timestamp=@1', path('tree'));
    }
  });
  afterAll(() => place.remove());

  const same = async (...args: string[]): Promise<void> => {
    const clean = (outcome: Outcome, side: string): Outcome =>
      JSON.parse(JSON.stringify(outcome).replaceAll(path(side), 'REPO'));
    const expected = clean(theirs([`--repo=${path('theirs')}`, ...args]), 'theirs');
    expect(clean(await ours([`--repo=${path('ours')}`, ...args]), 'ours')).toEqual(expected);
  };

  it.each(['new/sub', 'new/sub/deeper', 'other/sub'])('%s, where new is a ref', async (name) => {
    await same('refs', name);
    await same('refs', '--list', name);
    await same('refs', '--delete', name);
    await same('rev-parse', name);
    await same('refs', `--create=${name}`, 'new');
    await same('refs', `--create=o:${name}`, 'new');
    await same('refs', '--list', `o:${name}`);
    await same('commit', '-b', name, '--timestamp=@1', '--tree=ref=new');
  });

  it.each([255, 256, 3000, 4000, 4200])('of %i characters', async (length) => {
    const name = length < 300 ? 'a'.repeat(length) : long(length);
    await same('refs', `--create=${name}`, 'new');
    await same('rev-parse', name);
    await same('refs', '--list', name);
    await same('commit', '-b', name, '--timestamp=@1', '--tree=ref=new');
    await same('refs', '--delete', name);
  });
});
