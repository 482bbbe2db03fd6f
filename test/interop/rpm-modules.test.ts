// What modules hide from the solver, ours beside dnf's own filter.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addTable,
  applyModularFilter,
  buildPackage,
  createRepository,
  loadRepository,
  type ModuleState,
  modularFilter,
  Pool,
  type PoolRepo,
  parseModules,
} from '@coppice/rpm';
import { beforeAll, describe, expect, it } from 'vitest';
import { call, missing, scratch } from './rpm-support.ts';

const packages: readonly (readonly [string, string, string, string, object?])[] = [
  ['m', 'foo', '1.0', '1.m1'],
  ['m', 'foo', '1.1', '1.m1b'],
  ['m', 'foo', '2.0', '1.m2', { epoch: 1 }],
  ['m', 'foo-libs', '1.1', '1.m1b'],
  ['m', 'foo-libs', '2.0', '1.m2'],
  ['m', 'bar', '5', '1.mb'],
  ['m', 'bar', '6', '1.mb6'],
  ['m', 'dep', '1', '1.d1'],
  ['m', 'needs', '1', '1.n'],
  ['m', 'foo', '3.0', '1'],
  ['m', 'plain', '1', '1'],
  ['m', 'quux', '1', '1.mq'],
  ['m', 'zap', '1', '1', { provides: ['foo'] }],
  ['n', 'foo', '9', '1'],
  ['n', 'bar', '9', '1'],
  ['n', 'dep', '9', '1'],
  ['n', 'needs', '9', '1'],
  ['n', 'foo-extra', '9', '1', { provides: ['foo-libs = 9'] }],
  ['n', 'other', '1', '1'],
  ['h', 'foo', '20', '1'],
];

const module = (
  name: string,
  stream: string,
  version: number,
  context: string,
  requires: string,
  rpms: string,
): string => `---
document: modulemd
version: 2
data:
  name: ${name}
  stream: "${stream}"
  version: ${version}
  context: ${context}
  arch: noarch
  summary: s
  description: d
  license: { module: [MIT] }
  dependencies:
  - requires: { ${requires} }
  artifacts:
    rpms: [ ${rpms} ]
`;
const defaults = (name: string, stream: string): string => `---
document: modulemd-defaults
version: 1
data:
  module: ${name}
  stream: "${stream}"
`;

const yaml = [
  module('foo', '1', 100, 'aaaa', 'platform: [f40]', '"foo-0:1.0-1.m1.noarch"'),
  module('foo', '1', 101, 'aaaa', 'platform: [f40]', '"foo-0:1.1-1.m1b.noarch", "foo-libs-0:1.1-1.m1b.noarch"'),
  module(
    'foo',
    '2',
    200,
    'bbbb',
    'platform: []',
    '"foo-1:2.0-1.m2.noarch", "foo-libs-0:2.0-1.m2.noarch", "foo-1:2.0-1.m2.src"',
  ),
  module('bar', 'a', 1, 'cccc', 'platform: [f40], foo: ["1"]', '"bar-0:5-1.mb.noarch"'),
  module('bar', 'a', 1, 'dddd', 'platform: [f40], foo: ["2"]', '"bar-0:6-1.mb6.noarch"'),
  module('quux', 'q', 1, 'eeee', 'platform: [el9]', '"quux-0:1-1.mq.noarch"'),
  module('dep', 'd', 1, 'ffff', 'platform: [f40]', '"dep-0:1-1.d1.noarch"'),
  module('needs', 'n', 1, 'abcd', 'platform: [f40], dep: [d]', '"needs-0:1-1.n.noarch"'),
  defaults('foo', '1'),
  defaults('quux', 'q'),
].join('');

const repositories = ['m', 'n', 'h'] as const;
let dir: string;

beforeAll(() => {
  dir = scratch();
  for (const name of repositories) mkdirSync(join(dir, name));
  for (const [repo, name, version, release, more] of packages) {
    const built = buildPackage({
      name,
      version,
      release,
      arch: 'noarch',
      summary: 'x',
      license: 'MIT',
      payload: { compressor: 'gzip' },
      ...more,
    });
    writeFileSync(join(dir, repo, built.fileName), built.bytes());
  }
  for (const name of repositories)
    createRepository(join(dir, name), {
      ...(name === 'm' ? { extra: [{ type: 'modules', name: 'modules.yaml', bytes: Buffer.from(yaml) }] } : {}),
    });
});

/** What dnf lets through. */
function theirs(state: ModuleState, hotfixes: boolean): string[] {
  const root = scratch();
  const folder = join(root, 'etc/dnf/modules.d');
  mkdirSync(folder, { recursive: true });
  for (const [name, stream] of state.enabled ?? [])
    writeFileSync(
      join(folder, `${name}.module`),
      `[${name}]\nname=${name}\nstream=${stream}\nprofiles=\nstate=enabled\n`,
    );
  for (const name of state.disabled ?? [])
    writeFileSync(join(folder, `${name}.module`), `[${name}]\nname=${name}\nstream=\nprofiles=\nstate=disabled\n`);
  const done = call('dnf', [
    '-q',
    ...repositories.flatMap((r) => [`--repofrompath=${r},file://${join(dir, r)}`, `--repo=${r}`]),
    `--setopt=h.module_hotfixes=${hotfixes ? 1 : 0}`,
    '--setopt=*.gpgcheck=0',
    '--setopt=reposdir=/nonexistent',
    '--setopt=module_platform_id=platform:f40',
    `--setopt=cachedir=${scratch()}`,
    '--releasever=1',
    `--installroot=${root}`,
    'repoquery',
    '--qf',
    '%{name}-%{evr}@%{repoid}',
  ]);
  expect(done.status, done.stderr.toString()).toBe(0);
  return done.stdout.toString().trim().split('\n').sort();
}

function ours(state: ModuleState, hotfixes: boolean): string[] {
  const pool = new Pool();
  pool.setArch('x86_64');
  const repos: PoolRepo[] = [];
  for (const name of repositories) {
    const repo = pool.addRepo(name);
    repos.push(repo);
    addTable(pool, repo, loadRepository(join(dir, name)).table);
  }
  const filter = modularFilter(parseModules(yaml), { ...state, platform: 'f40' });
  applyModularFilter(pool, hotfixes ? repos.slice(0, 2) : repos, filter);
  return repos
    .flatMap((repo) =>
      repo.solvables
        .filter((p) => pool.installable(p))
        .map((p) => `${pool.ids.text(pool.names.data[p]!)}-${pool.ids.text(pool.evrs.data[p]!)}@${repo.name}`),
    )
    .sort();
}

describe.skipIf(missing('dnf') !== undefined)('modules', () => {
  const streams = (...pairs: [string, string][]): ModuleState => ({ enabled: new Map(pairs) });
  const states: [string, ModuleState][] = [
    ['defaults only', {}],
    ['another stream', streams(['foo', '2'])],
    ['a disabled module', { disabled: new Set(['foo']) }],
    ['a stream that needs the default of another', streams(['bar', 'a'])],
    ['two streams that go together', streams(['bar', 'a'], ['foo', '2'])],
    ['a stream that brings another module', streams(['needs', 'n'])],
    ['a stream that is not there', streams(['foo', '7'])],
    ['several', { ...streams(['bar', 'a'], ['dep', 'd'], ['needs', 'n']), disabled: new Set(['quux']) }],
  ];
  it.each(states)('%s: hide what dnf hides', (_name, state) => {
    for (const hotfixes of [false, true]) expect(ours(state, hotfixes)).toEqual(theirs(state, hotfixes));
  });
});
