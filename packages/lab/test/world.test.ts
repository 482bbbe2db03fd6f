import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseWorld, versionOn } from '../src/world.ts';

const minimal = (extra = ''): string => `
name: w
arch: x86_64
dist: d1
stateroot: os
remote: r
os-release: {ID: w}
streams: {one: {ref: a/b, version: "1", timestamp: "2020-01-01T00:00:00Z"}, two: {ref: a/c, version: "2", timestamp: "2020-02-01T00:00:00Z"}}
base:
  - {name: p, evr: {one: 1-1, two: 1-2}}
${extra}`;

test('a package has one version for all streams or one per stream', () => {
  const world = parseWorld(minimal('repository: [{name: q, evr: 3-4}]'));
  expect(versionOn(world, world.base[0]!, 'two')).toEqual({ version: '1', release: '2.d1' });
  expect(versionOn(world, world.repository[0]!, 'one')).toEqual({ version: '3', release: '4.d1' });
});

test.each([
  ['repository: [{name: q}]', 'w.yaml.repository[0]: needs the key evr'],
  ['repository: [{name: q, evr: 3}]', 'w.yaml.repository[0].evr: must be a map'],
  ['repository: [{name: q, evr: {one: 1-1}}]', 'w.yaml.repository[0].evr: needs the stream two'],
  ['repository: [{name: p, evr: 1-1}]', 'w.yaml.repository[0].name: the package p is described twice'],
  ['repository: [{name: q, evr: 1-1, files: {"/a/../b": {text: x}}}]', 'an absolute path'],
  ['repository: [{name: q, evr: 1-1, files: {/a: {text: x, size: 3}}}]', 'needs exactly one of'],
  ['repository: [{name: q, evr: 1-1, files: {/a: {text: x, mode: 644}}}]', 'four octal digits'],
  ['nonsense: 1', 'w.yaml.nonsense: unknown key'],
  ['  - [', 'w.yaml: '],
])('a wrong world is refused with its place: %s', (extra, message) => {
  expect(() => parseWorld(minimal(extra), 'w.yaml')).toThrow(message);
});

test('the worlds we ship are right', () => {
  const dir = join(import.meta.dirname, '../worlds');
  const files = globSync('*.yaml', { cwd: dir });
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) parseWorld(readFileSync(join(dir, file), 'utf8'), file);
});
