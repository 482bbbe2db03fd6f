// From an origin and a base to the packages that have to come, go and stay: requests that the base already satisfies are
// inactive, the rest is solved with the base locked.
import { CoppiceError } from '@coppice/base';
import { Goal, matchSubject, Pool, type PoolRepo } from '@coppice/rpm';
import { formatEvr, formatNevra, type Nevra } from '../nevra.ts';
import type { Origin } from '../origin.ts';
import type { Replacement } from '../status/model.ts';
import type { Candidate } from './candidate.ts';
import type { Repository } from './repository.ts';
import type { PackageSet } from './repository-packages.ts';

export interface ResolveInput {
  /** RPM's name of the machine, e.g. `x86_64`. */
  readonly arch: string;
  readonly installed: readonly Candidate[];
  readonly repositories: readonly {
    readonly repository: Pick<Repository, 'id' | 'priority' | 'cost'>;
    readonly packages: PackageSet;
  }[];
  /** Imported packages that may be chosen beside the repositories (everything cached, when working offline). */
  readonly cached: readonly Candidate[];
  /** Packages requested as files, to be layered. */
  readonly local: readonly Candidate[];
  readonly localForced: readonly Candidate[];
  /** Packages given as files to replace base packages. */
  readonly localReplacements: readonly Candidate[];
  readonly origin: Origin;
  readonly recommends: boolean;
  /** Called before solving, when a base package would be replaced without having been asked to. */
  readonly message: (text: string) => void;
}

export interface ChosenPackage {
  readonly candidate: Candidate;
  readonly force: boolean;
}

export interface Resolution {
  readonly add: readonly ChosenPackage[];
  /** Base packages that go without a successor. */
  readonly removed: readonly Nevra[];
  readonly replaced: readonly Replacement[];
  readonly remoteReplaced: readonly { readonly source: string; readonly packages: readonly Replacement[] }[];
  /** Requests that take effect. */
  readonly activeRequests: readonly string[];
  readonly inactiveRequests: readonly { readonly request: string; readonly providers: readonly Nevra[] }[];
  readonly inactiveRemovals: readonly string[];
  readonly inactiveReplacements: readonly string[];
  /** `install`, `remove` ... with checksums, for the digest of the state. */
  readonly actions: readonly string[];
}

/** Packages already there that satisfy a request, as the solver would match it. */
export function providersInBase(pool: Pool, request: string): number[] {
  const match = matchSubject(pool, request);
  return (match?.solvables ?? []).filter((p) => pool.isInstalled(p));
}

class Resolver {
  readonly #input: ResolveInput;
  readonly #pool = new Pool();
  /** Of packages added one by one: installed, local, cached. */
  readonly #candidates = new Map<number, Candidate>();
  readonly #repos = new Map<string, { readonly repo: PoolRepo; readonly candidate: (id: number) => Candidate }>();
  readonly #installed = new Map<number, Candidate>();

  constructor(input: ResolveInput) {
    this.#input = input;
    const pool = this.#pool;
    pool.setArch(input.arch);
    pool.flags.implicitobsoleteusescolors = true;
    const system = pool.addRepo('@System');
    pool.installed = system;
    for (const c of input.installed) this.#installed.set(this.#add(system, c), c);
    for (const { repository, packages } of input.repositories) {
      const repo = pool.addRepo(repository.id, { priority: -repository.priority, subpriority: -repository.cost });
      this.#repos.set(repository.id, { repo, candidate: packages.addTo(pool, repo) });
    }
    const commandline = pool.addRepo('@commandline');
    for (const c of [...input.local, ...input.localForced, ...input.localReplacements, ...input.cached])
      this.#add(commandline, c);
  }

  #add(repo: PoolRepo, candidate: Candidate): number {
    const id = this.#pool.addPackage(repo, candidate.spec);
    this.#candidates.set(id, candidate);
    return id;
  }

  #idOf(candidate: Candidate): number {
    for (const [id, c] of this.#candidates) if (c === candidate) return id;
    throw new CoppiceError('Bug', 'candidate is not in the pool');
  }

  #candidate(id: number): Candidate {
    const found = this.#candidates.get(id) ?? this.#repos.get(this.#pool.repo(id)?.name ?? '')?.candidate(id);
    if (found === undefined) throw new CoppiceError('Bug', 'solvable without a candidate');
    return found;
  }

  #name(id: number): string {
    return this.#pool.ids.text(this.#pool.names.data[id]!);
  }

  #installedNamed(name: string): [number, Candidate][] {
    return [...this.#installed].filter(([, c]) => c.nevra.name === name);
  }

  /** The newest build in the repository of an override; working offline, among what was fetched before. */
  #newestIn(source: string, name: string): number {
    const id = source.replace(/^repo=/, '');
    const offline = this.#input.repositories.length === 0;
    const solvables = offline ? [...this.#candidates.keys()] : this.#repos.get(id)?.repo.solvables;
    if (solvables === undefined) throw new CoppiceError('NotFound', `Repository '${id}' not found or not enabled`);
    const [best] = solvables
      .filter((p) => this.#name(p) === name && !this.#pool.isInstalled(p))
      .sort((a, b) => this.#compare(b, a));
    if (best === undefined) throw new CoppiceError('NotFound', `Package "${name}" not found in ${source}`);
    return best;
  }

  resolve(): Resolution {
    const { origin } = this.#input;
    const pool = this.#pool;
    const goal = new Goal(pool, { recommends: this.#input.recommends });
    const going = new Set<number>();
    const inactiveRemovals: string[] = [];
    for (const name of origin.removals) {
      const found = this.#installedNamed(name);
      if (found.length === 0) inactiveRemovals.push(name);
      for (const [id] of found) {
        going.add(id);
        goal.erasePackage(id);
      }
    }
    const removedIds = new Set(going);
    const wantedIds = new Map<number, 'replace' | 'layer'>();
    const expected = new Map<number, number>();
    const inactiveReplacements: string[] = [];
    const replace = (id: number, c: Candidate): boolean => {
      const [old] = this.#installedNamed(c.nevra.name);
      if (old === undefined || formatNevra(old[1].nevra) === formatNevra(c.nevra)) return false;
      going.add(old[0]);
      expected.set(id, old[0]);
      wantedIds.set(id, 'replace');
      goal.installPackage(id);
      return true;
    };
    for (const c of this.#input.localReplacements)
      if (!replace(this.#idOf(c), c)) inactiveReplacements.push(formatNevra(c.nevra));
    const remoteSources = new Map<number, string>();
    for (const { source, names } of origin.remoteReplacements)
      for (const name of names) {
        const best = this.#newestIn(source, name);
        if (replace(best, this.#candidate(best))) remoteSources.set(best, source);
        else inactiveReplacements.push(name);
      }
    const based = new Set(this.#input.installed.map((c) => formatNevra(c.nevra)));
    for (const c of [...this.#input.local, ...this.#input.localForced]) {
      if (based.has(formatNevra(c.nevra)))
        throw new CoppiceError('Exists', `Package '${formatNevra(c.nevra)}' is already in the base`);
      const id = this.#idOf(c);
      wantedIds.set(id, 'layer');
      goal.installPackage(id);
    }
    const active: string[] = [];
    const inactive: { request: string; providers: Nevra[] }[] = [];
    for (const request of origin.packages) {
      const providers = providersInBase(pool, request);
      // What was removed is not asked for again: replacing it is meant for that.
      const removed = providers.find((id) => removedIds.has(id));
      if (removed !== undefined)
        throw new CoppiceError(
          'Conflict',
          `Cannot request '${request}' provided by removed package '${formatNevra(this.#candidate(removed).nevra)}'`,
        );
      const there = providers.filter((id) => !going.has(id));
      if (there.length > 0) inactive.push({ request, providers: there.map((id) => this.#candidate(id).nevra) });
      else active.push(request);
    }
    const fresh = active.filter((request) => {
      const match = matchSubject(pool, request);
      return match === undefined || !match.solvables.some((id) => wantedIds.has(id));
    });
    goal.installAll(fresh);
    goal.lockInstalled(going);
    const result = this.#solve(goal);
    return this.#judge(result, {
      going,
      expected,
      wantedIds,
      remoteSources,
      active,
      inactive,
      inactiveRemovals,
      inactiveReplacements,
    });
  }

  #compare(a: number, b: number): number {
    return this.#pool.compareEvrs(this.#pool.evrs.data[a]!, this.#pool.evrs.data[b]!);
  }

  #solve(goal: Goal): ReturnType<Goal['solve']> {
    return goal.solve();
  }

  #judge(
    result: ReturnType<Goal['solve']>,
    facts: {
      readonly going: ReadonlySet<number>;
      readonly expected: ReadonlyMap<number, number>;
      readonly wantedIds: ReadonlyMap<number, 'replace' | 'layer'>;
      readonly remoteSources: ReadonlyMap<number, string>;
      readonly active: readonly string[];
      readonly inactive: Resolution['inactiveRequests'];
      readonly inactiveRemovals: readonly string[];
      readonly inactiveReplacements: readonly string[];
    },
  ): Resolution {
    const nevra = (id: number): Nevra => this.#candidate(id).nevra;
    const lost = [...result.erase, ...result.obsoleted].filter((id) => !facts.going.has(id));
    if (lost.length > 0)
      throw new CoppiceError(
        'Conflict',
        `Base packages would be removed: ${lost
          .map((id) => formatNevra(nevra(id)))
          .sort()
          .join(', ')}`,
      );
    const unasked = result.steps.filter(
      (s) =>
        (s.kind === 'upgrade' || s.kind === 'downgrade' || s.kind === 'change' || s.kind === 'reinstall') &&
        s.other !== undefined &&
        !facts.going.has(s.other),
    );
    if (unasked.length > 0) {
      this.#input.message('Forbidden base package replacements:');
      for (const s of unasked)
        this.#input.message(
          `  ${nevra(s.package).name} ${formatEvr(nevra(s.other!))} -> ${formatEvr(nevra(s.package))} (${this.#pool.repo(s.package)?.name ?? ''})`,
        );
      this.#input.message(
        'This likely means that some of your layered packages have requirements on newer or older versions of some base packages. Doing `rpm-ostree cleanup -m` and `rpm-ostree upgrade` first may help.',
      );
      throw new CoppiceError('Conflict', 'Some base packages would be replaced');
    }
    const incoming = [...result.install, ...result.upgrade, ...result.downgrade];
    const replaced: Replacement[] = [];
    const remote = new Map<string, Replacement[]>();
    for (const id of incoming) {
      const old = facts.expected.get(id);
      if (old === undefined) continue;
      const change = { from: nevra(old), to: nevra(id) };
      const source = facts.remoteSources.get(id);
      if (source === undefined) replaced.push(change);
      else remote.set(source, [...(remote.get(source) ?? []), change]);
    }
    const replacedOld = new Set([...facts.expected.values()]);
    const removed = [...facts.going].filter((id) => !replacedOld.has(id)).map(nevra);
    const forced = new Set(this.#input.localForced);
    const checksum = (c: Candidate): string =>
      c.source.kind === 'remote'
        ? c.source.remote.checksum
        : (c.source.imported.repodataChecksum ?? `sha256:${c.source.imported.headerSha256}`);
    const actions = [
      ...result.install.map((id) => ['install', id] as const),
      ...result.upgrade.map((id) => ['update', id] as const),
      ...result.downgrade.map((id) => ['downgrade', id] as const),
    ].map(([word, id]) => `${word}${checksum(this.#candidate(id))}`);
    for (const n of removed) actions.push(`remove${formatNevra(n)}`);
    return {
      add: incoming.map((id) => ({
        candidate: this.#candidate(id),
        force: forced.has(this.#candidate(id)),
      })),
      removed,
      replaced,
      remoteReplaced: [...remote].map(([source, packages]) => ({ source, packages })),
      activeRequests: facts.active,
      inactiveRequests: facts.inactive,
      inactiveRemovals: facts.inactiveRemovals,
      inactiveReplacements: facts.inactiveReplacements,
      actions: actions.sort(),
    };
  }
}

/** Throws `NotFound` ("Packages not found: ..."), `Conflict` ("Could not depsolve transaction; ...", "Base packages would be removed: ..."). */
export function resolvePackages(input: ResolveInput): Resolution {
  return new Resolver(input).resolve();
}

/** Base packages that already satisfy each request; requests that none does are left out. */
export function requestsInBase(
  installed: readonly Candidate[],
  requests: readonly string[],
  arch: string,
): Map<string, Nevra[]> {
  const pool = new Pool();
  pool.setArch(arch);
  const system = pool.addRepo('@System');
  pool.installed = system;
  const byId = new Map(installed.map((c) => [pool.addPackage(system, c.spec), c]));
  const out = new Map<string, Nevra[]>();
  for (const request of requests) {
    const found = providersInBase(pool, request);
    if (found.length > 0)
      out.set(
        request,
        found.map((id) => byId.get(id)!.nevra),
      );
  }
  return out;
}
