// Which packages modules hide (libdnf's modular filtering): artifacts of streams that are not active, and whatever has or
// provides the name of a package that an active stream brings.
import type { Pool } from '../solver/pool.ts';
import { field } from '../solver/pool-package.ts';
import type { PoolRepo } from '../solver/pool-repo.ts';
import { isRel } from '../solver/strings.ts';
import type { ModuleStream, Modules } from './modules.ts';

/** What is set on a system (`/etc/dnf/modules.d`, `module_platform_id`). */
export interface ModuleState {
  /** Stream by module; goes before defaults. */
  readonly enabled?: ReadonlyMap<string, string>;
  /** Modules of which no stream is active. */
  readonly disabled?: ReadonlySet<string>;
  /** Stream of the `platform` pseudo module, e.g. `f40`; any when not given. */
  readonly platform?: string;
}

export interface ModularFilter {
  /** Artifacts (`NAME-EPOCH:VERSION-RELEASE.ARCH`) of active streams. */
  readonly includes: ReadonlySet<string>;
  /** Artifacts of the other streams. */
  readonly excludes: ReadonlySet<string>;
  /** Names of the binary packages among `includes`. */
  readonly names: ReadonlySet<string>;
}

/** Whether a stream is among those asked for: none means any, `-x` excludes. */
function accepts(wanted: readonly string[], stream: string): boolean {
  const refused = wanted.filter((w) => w.startsWith('-')).map((w) => w.slice(1));
  if (refused.includes(stream)) return false;
  return wanted.length === refused.length || wanted.includes(stream);
}

/** The stream that is active of each module, before what they require is looked at. */
function chosenStreams(modules: Modules, state: ModuleState): Map<string, string> {
  const chosen = new Map<string, string>();
  for (const { module, stream } of modules.defaults) if (stream !== undefined) chosen.set(module, stream);
  for (const [module, stream] of state.enabled ?? []) chosen.set(module, stream);
  for (const module of state.disabled ?? []) chosen.delete(module);
  return chosen;
}

/**
 * The filter for the modules of all repositories. A stream whose requirements no other active stream meets is not
 * active; a required module with no stream of its own gets the first that fits.
 */
export function modularFilter(modules: Modules, state: ModuleState = {}): ModularFilter {
  const chosen = chosenStreams(modules, state);
  const met = (name: string, wanted: readonly string[]): boolean => {
    if (name === 'platform') return state.platform === undefined || accepts(wanted, state.platform);
    const stream = chosen.get(name);
    return stream !== undefined && accepts(wanted, stream);
  };
  const active = (entry: ModuleStream): boolean =>
    chosen.get(entry.name) === entry.stream &&
    (entry.requires.length === 0 ||
      entry.requires.some((alternative) => Object.entries(alternative).every(([name, wanted]) => met(name, wanted))));
  const pull = (): boolean => {
    for (const entry of modules.streams) {
      if (chosen.get(entry.name) !== entry.stream || modules.streams.some((e) => sameStream(e, entry) && active(e)))
        continue;
      for (const alternative of entry.requires)
        for (const [name, wanted] of Object.entries(alternative)) {
          if (name === 'platform' || chosen.has(name) || state.disabled?.has(name)) continue;
          const found = modules.streams.find((e) => e.name === name && accepts(wanted, e.stream));
          if (found === undefined) continue;
          chosen.set(name, found.stream);
          return true;
        }
    }
    return false;
  };
  while (pull());
  const includes = new Set<string>();
  const excludes = new Set<string>();
  for (const entry of modules.streams)
    for (const artifact of entry.artifacts) (active(entry) ? includes : excludes).add(artifact);
  for (const artifact of includes) excludes.delete(artifact);
  const names = new Set<string>();
  for (const artifact of includes) {
    const match = /^(.+)-\d+:[^-]+-[^-]+\.([^.]+)$/.exec(artifact);
    if (match !== null && match[2] !== 'src' && match[2] !== 'nosrc') names.add(match[1]!);
  }
  return { includes, excludes, names };
}

const sameStream = (a: ModuleStream, b: ModuleStream): boolean => a.name === b.name && a.stream === b.stream;

/** Excludes from the pool what the filter hides in these repositories (all but those with `module_hotfixes`). */
export function applyModularFilter(pool: Pool, repos: readonly PoolRepo[], filter: ModularFilter): void {
  const names = new Set<number>();
  for (const name of filter.names) names.add(pool.ids.lookup(name));
  names.delete(0);
  const providesName = (solvable: number): boolean => {
    for (let at = pool.listAt(solvable, field.provides); pool.lists.data[at] !== 0; at++) {
      let id = pool.lists.data[at]!;
      while (isRel(id)) id = pool.ids.relName(id);
      if (names.has(id)) return true;
    }
    return false;
  };
  // Only these can be artifacts: their text is made.
  const artifactNames = new Set<number>();
  for (const artifact of [...filter.includes, ...filter.excludes])
    artifactNames.add(pool.ids.lookup(artifact.replace(/-\d+:[^-]+-[^-]+$/, '')));
  for (const repo of repos)
    for (const solvable of repo.solvables) {
      const name = pool.names.data[solvable]!;
      if (artifactNames.has(name)) {
        const evr = pool.ids.text(pool.evrs.data[solvable]!);
        const epoch = /^\d+:/.test(evr) ? '' : '0:';
        const artifact = `${pool.ids.text(name)}-${epoch}${evr}.${pool.ids.text(pool.archs.data[solvable]!)}`;
        if (filter.includes.has(artifact)) continue;
        if (filter.excludes.has(artifact)) {
          pool.disable(solvable);
          continue;
        }
      }
      if (names.has(name) || providesName(solvable)) pool.disable(solvable);
    }
}
