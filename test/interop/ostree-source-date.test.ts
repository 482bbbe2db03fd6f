// Commits at the time in SOURCE_DATE_EPOCH, odd and impossible ones too, made and shown as by the original.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ours } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const epochs = [
  ...['0', '1700000000', '00012', ' 7', '+8', '-5', '5x', '', '-', '--5', 'x5', '1e9'],
  // The ends of what GLib shows as a date, and of 64 bits.
  ...['253402300799', '253402300800', '-62135596800', '-62135596801'],
  ...['9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'],
];
const title = skipReason === undefined ? '' : ` (skipped: ${skipReason})`;

describe.skipIf(skipReason !== undefined)(`SOURCE_DATE_EPOCH${title}`, () => {
  const place = scratch();
  const repo = (side: string): string => `--repo=${join(place.path, side)}`;

  beforeAll(() => {
    mkdirSync(join(place.path, 'tree'));
    writeFileSync(join(place.path, 'tree/file'), 'content');
    for (const side of ['theirs', 'ours']) originalOutput('init', repo(side), '--mode=bare-user');
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => place.remove());

  it.each(epochs)('%j', async (epoch) => {
    vi.stubEnv('SOURCE_DATE_EPOCH', epoch);
    for (const args of [
      ['commit', '-b', 'main', '--parent=none', join(place.path, 'tree')],
      ['show', 'main'],
    ]) {
      const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
      const judge = process.env['OSTREE_JUDGE'] ?? 'ostree';
      const { status, stdout, stderr } = spawnSync(judge, [repo('theirs'), ...args], { env, encoding: 'utf8' });
      expect(await ours([repo('ours'), ...args])).toEqual({ status, stdout, stderr });
    }
  });
});
