import { isCoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkSolution,
  explainProblem,
  Goal,
  matchSubject,
  Pool,
  type PoolPackageSpec,
  type PoolRepo,
  parseDependencyText,
  type Step,
  solve,
} from '../src/index.ts';

interface Wanted {
  readonly provides?: readonly string[];
  readonly requires?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly obsoletes?: readonly string[];
  readonly recommends?: readonly string[];
  readonly supplements?: readonly string[];
  readonly files?: readonly string[];
}

class World {
  readonly pool = new Pool();
  readonly system: PoolRepo;
  readonly fedora: PoolRepo;

  constructor() {
    this.pool.setArch('x86_64');
    this.system = this.pool.addRepo('@System');
    this.pool.installed = this.system;
    this.fedora = this.pool.addRepo('fedora', { priority: -99, subpriority: -1000 });
  }

  add(repo: PoolRepo, nevra: string, wanted: Wanted = {}): number {
    const [, name, evr, arch] = /^(.+)-([^-]+-[^-]+)\.([^.]+)$/.exec(nevra)!;
    const list = (texts: readonly string[] = []) => texts.map(parseDependencyText);
    const spec: PoolPackageSpec = {
      name: name!,
      evr: evr!,
      arch: arch!,
      provides: list([`${name} = ${evr}`, ...(wanted.provides ?? [])]),
      requires: list(wanted.requires),
      conflicts: list(wanted.conflicts),
      obsoletes: list(wanted.obsoletes),
      recommends: list(wanted.recommends),
      supplements: list(wanted.supplements),
      files: wanted.files ?? [],
    };
    return this.pool.addPackage(repo, spec);
  }

  steps(steps: readonly Step[]): string[] {
    const text = (p: number) => this.pool.text(p);
    return steps.map((s) => `${s.kind} ${s.other === undefined ? '' : `${text(s.other)} `}${text(s.package)}`).sort();
  }
}

function base(): World {
  const w = new World();
  w.add(w.system, 'glibc-2.30-1.x86_64');
  w.add(w.system, 'bash-5-1.x86_64', { requires: ['glibc'] });
  w.add(w.fedora, 'glibc-2.31-1.x86_64');
  w.add(w.fedora, 'vim-9-1.x86_64', { requires: ['glibc >= 2', 'vim-common = 9'], recommends: ['perl'] });
  w.add(w.fedora, 'vim-common-9-1.noarch', { files: ['/usr/bin/xxd'] });
  w.add(w.fedora, 'perl-5-1.x86_64');
  w.add(w.fedora, 'bad-1-1.noarch', { requires: ['missing >= 2'] });
  w.add(w.fedora, 'newer-1-1.noarch', { requires: ['glibc >= 2.31'] });
  w.add(w.fedora, 'rival-1-1.noarch', { conflicts: ['bash'] });
  return w;
}

test('installs what was asked with what it needs and recommends', () => {
  const w = base();
  const goal = new Goal(w.pool);
  goal.install('vim');
  goal.lockInstalled();
  const result = goal.solve();
  expect(w.steps(result.steps)).toEqual([
    'install perl-5-1.x86_64',
    'install vim-9-1.x86_64',
    'install vim-common-9-1.noarch',
  ]);
  expect(checkSolution(w.pool, goal.jobList, result.steps)).toEqual([]);
});

test('leaves weak dependencies out when told so', () => {
  const w = base();
  const goal = new Goal(w.pool, { recommends: false });
  goal.install('vim');
  expect(goal.solve().install).toHaveLength(2);
});

test('reads subjects as names, NEVRAs, provides, globs and paths', () => {
  const w = base();
  expect(matchSubject(w.pool, 'vim')!.form).toBe('NAME');
  expect(matchSubject(w.pool, 'vim-9-1.x86_64')!.form).toBe('NEVRA');
  expect(matchSubject(w.pool, 'vim.x86_64')!.form).toBe('NA');
  expect(matchSubject(w.pool, 'vim-9')!.form).toBe('NEV');
  expect(matchSubject(w.pool, 'glibc >= 2.31')!.solvables).toHaveLength(1);
  expect(matchSubject(w.pool, 'vim*')!.solvables).toHaveLength(2);
  expect(matchSubject(w.pool, '/usr/bin/xxd')!.solvables).toHaveLength(1);
  expect(matchSubject(w.pool, 'nothing')).toBeUndefined();
});

test('names every missing package in one error', () => {
  const w = base();
  const goal = new Goal(w.pool);
  expect(() => goal.installAll(['one', 'vim', 'two'])).toThrowError('Packages not found: one, two');
});

function failure(w: World, ...requests: string[]): string {
  const goal = new Goal(w.pool);
  goal.installAll(requests);
  goal.lockInstalled();
  try {
    goal.solve();
  } catch (e) {
    if (isCoppiceError(e, 'Conflict')) return e.message;
    throw e;
  }
  return '';
}

test('says why a request cannot be met, in the words of dnf', () => {
  expect(failure(base(), 'bad')).toBe(
    [
      'Could not depsolve transaction; 1 problem detected:',
      ' Problem: conflicting requests',
      '  - nothing provides missing >= 2 needed by bad-1-1.noarch from fedora',
    ].join('\n'),
  );
  expect(failure(base(), 'bad', 'newer')).toContain('2 problems detected:\n Problem 1: conflicting requests');
});

test('a locked base is not replaced', () => {
  expect(failure(base(), 'newer')).toContain(
    'cannot install both glibc-2.31-1.x86_64 from fedora and glibc-2.30-1.x86_64 from @System',
  );
  const w = base();
  const goal = new Goal(w.pool);
  goal.install('newer');
  expect(w.steps(goal.solve().steps)).toContain('upgrade glibc-2.30-1.x86_64 glibc-2.31-1.x86_64');
});

test('removes what a request cannot live with, where that is allowed', () => {
  const w = base();
  const goal = new Goal(w.pool);
  goal.install('rival');
  goal.allowUninstallUnprotected();
  expect(w.steps(goal.solve().steps)).toEqual(['erase bash-5-1.x86_64', 'install rival-1-1.noarch']);
  const guarded = new Goal(w.pool, { protectedNames: ['bash'] });
  guarded.install('rival');
  guarded.allowUninstallUnprotected();
  expect(() => guarded.solve()).toThrowError();
});

test('an excluded package is not a candidate', () => {
  const w = base();
  w.pool.disable(matchSubject(w.pool, 'vim')!.solvables[0]!);
  expect(matchSubject(w.pool, 'vim')).toBeUndefined();
});

test('a package replaces what it obsoletes', () => {
  const w = base();
  w.add(w.fedora, 'zsh-1-1.x86_64', { obsoletes: ['bash'], provides: ['bash = 6'], requires: ['glibc'] });
  const goal = new Goal(w.pool);
  goal.upgrade();
  expect(w.steps(goal.solve().steps)).toContain('obsoleted zsh-1-1.x86_64 bash-5-1.x86_64');
});

test('with colours, two architectures of one package stand side by side at one version', () => {
  const w = new World();
  w.pool.flags.implicitobsoleteusescolors = true;
  w.add(w.system, 'glibc-2.30-1.x86_64');
  w.add(w.fedora, 'glibc-2.30-1.x86_64');
  w.add(w.fedora, 'glibc-2.30-1.i686', { provides: ['libc.so.6'] });
  w.add(w.fedora, 'glibc-2.31-1.i686', { provides: ['libc.so.6'] });
  const goal = new Goal(w.pool);
  w.add(w.fedora, 'wine-1-1.noarch', { requires: ['libc.so.6'] });
  goal.install('wine');
  goal.lockInstalled();
  expect(w.steps(goal.solve().steps)).toEqual(['install glibc-2.30-1.i686', 'install wine-1-1.noarch']);
});

test('explains a chain from the request to what is missing', () => {
  const w = base();
  w.add(w.fedora, 'top-1-1.noarch', { requires: ['middle'] });
  w.add(w.fedora, 'middle-1-1.noarch', { requires: ['bad'] });
  const goal = new Goal(w.pool);
  goal.install('top');
  goal.lockInstalled();
  const explanation = explainProblem(goal.trySolve().result.state, 0, goal.requests);
  expect(explanation.requests).toEqual(['top']);
  expect(explanation.chain.map((link) => link.text)).toEqual([
    'top-1-1.noarch requires middle',
    'middle-1-1.noarch requires bad',
    'bad-1-1.noarch requires missing >= 2, which nothing provides',
  ]);
  expect(explanation.solutions).toEqual([['do not ask to install top']]);
});

/** Small random universes: whatever comes out must hold together. */
test('solutions hold together', () => {
  const name = fc.integer({ min: 0, max: 7 }).map((i) => `p${i}`);
  const dep = fc.oneof(
    name,
    fc
      .tuple(name, fc.constantFrom('>=', '<', '='), fc.integer({ min: 1, max: 3 }))
      .map(([n, op, v]) => `${n} ${op} ${v}`),
    fc.tuple(name, fc.constantFrom('and', 'or', 'if'), name).map(([a, op, b]) => `(${a} ${op} ${b})`),
  );
  const pkg = fc.record({
    name,
    version: fc.integer({ min: 1, max: 3 }),
    installed: fc.boolean(),
    requires: fc.array(dep, { maxLength: 2 }),
    conflicts: fc.array(name, { maxLength: 1 }),
    recommends: fc.array(dep, { maxLength: 1 }),
  });
  fc.assert(
    fc.property(
      fc.array(pkg, { minLength: 3, maxLength: 16 }),
      fc.array(name, { minLength: 1, maxLength: 3 }),
      (list, want) => {
        const w = new World();
        const names = new Set<string>();
        for (const p of list) {
          const installed = p.installed && !names.has(p.name);
          if (installed) names.add(p.name);
          w.add(installed ? w.system : w.fedora, `${p.name}-${p.version}-1.noarch`, p);
        }
        const jobs = want.map((n) => ({
          action: 'install' as const,
          select: { kind: 'name' as const, dep: w.pool.nameId(n) },
        }));
        const solution = solve(w.pool, jobs, { allowuninstall: true });
        if (solution.problemCount > 0) return;
        expect(checkSolution(w.pool, jobs, solution.steps)).toEqual([]);
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
