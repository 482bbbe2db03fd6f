import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verbsOf } from '../../../scripts/one-verb.ts';
import { verbs as coppiceVerbs } from '../src/coppice/verbs.ts';
import { verbs as ostreeVerbs } from '../src/ostree/verbs.ts';
import { verbs as rpmOstreeVerbs } from '../src/rpm-ostree/verbs-table.ts';

const source = join(import.meta.dirname, '../src');

test('every verb of ostree gets a bundle, and so do calls without one', () => {
  expect(verbsOf(source, 'ostree')).toEqual(['', ...ostreeVerbs.map(({ name }) => name)]);
});

test('those of coppice and rpm-ostree that have one are verbs', () => {
  const names = coppiceVerbs.map(({ name }) => name);
  expect(verbsOf(source, 'coppice').filter((name) => !names.includes(name.split(' ')[0]!))).toEqual(['--']);
  expect(verbsOf(source, 'rpm-ostree').filter((name) => !Object.hasOwn(rpmOstreeVerbs, name))).toEqual(['--']);
});

test('a program without a table has one bundle', () => {
  expect(verbsOf(source, 'butane')).toEqual([]);
});
