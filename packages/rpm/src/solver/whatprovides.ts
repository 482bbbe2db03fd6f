// Who provides what. Lists are zero-terminated runs of solvable ids in one array, ascending; they are also where the
// solver keeps the literals of its longer rules.
import { IdArray } from './id-array.ts';
import { type Pool, systemSolvable } from './pool.ts';
import { field } from './pool-package.ts';
import { isRel, rel } from './strings.ts';

/** Offsets of the two fixed lists. */
export const emptyList = 1;
export const systemList = 2;

export class Providers {
  readonly data = new IdArray(4096);
  private readonly pool: Pool;
  private readonly byName: Int32Array;
  private readonly byRelation: number[] = [];

  constructor(pool: Pool) {
    this.pool = pool;
    this.data.push(0);
    this.data.push(0);
    this.data.push(systemSolvable);
    this.data.push(0);
    this.byName = this.build();
  }

  /** Two passes: count the providers of every name, then lay the lists out and fill them. */
  private build(): Int32Array {
    const { pool } = this;
    const names = pool.ids.count;
    const counts = new Int32Array(names);
    const last = new Int32Array(names);
    const visit = (each: (name: number, p: number) => void): void => {
      last.fill(0);
      const lists = pool.lists.data;
      for (let p = 2; p < pool.count; p++) {
        if (pool.repoOf.data[p] === 0) continue;
        if (!pool.isInstalled(p) && !pool.visible(p)) continue;
        for (let at = pool.listAt(p, field.provides); lists[at] !== 0; at++) {
          let id = lists[at]!;
          while (isRel(id)) id = pool.ids.relName(id);
          if (last[id] === p) continue;
          last[id] = p;
          each(id, p);
        }
        if (pool.fileDependencies.size === 0) continue;
        for (let at = pool.listAt(p, field.files); lists[at] !== 0; at++) {
          const id = lists[at]!;
          if (last[id] === p || !pool.fileDependencies.has(id)) continue;
          last[id] = p;
          each(id, p);
        }
      }
    };
    visit((name) => {
      counts[name]!++;
    });
    const starts = new Int32Array(names);
    let at = this.data.length;
    for (let id = 0; id < names; id++) {
      if (counts[id] === 0) continue;
      starts[id] = at;
      at += counts[id]! + 1;
    }
    this.data.reserve(at);
    this.data.data.fill(0, this.data.length, at);
    this.data.length = at;
    counts.fill(0);
    visit((name, p) => {
      this.data.data[starts[name]! + counts[name]!++] = p;
    });
    return starts;
  }

  /** Where the list of packages that satisfy a dependency starts. */
  of(dep: number): number {
    if (!isRel(dep)) return (dep < this.byName.length ? this.byName[dep]! : 0) || emptyList;
    const index = dep & 0x3fffffff;
    let at = this.byRelation[index];
    if (at === undefined) {
      at = this.relation(dep);
      this.byRelation[index] = at;
    }
    return at;
  }

  /** A copy of that list. */
  list(dep: number): number[] {
    const out: number[] = [];
    for (let at = this.of(dep); this.data.data[at] !== 0; at++) out.push(this.data.data[at]!);
    return out;
  }

  /** Stores a list of literals; equal short ones are not shared. */
  store(list: ArrayLike<number>): number {
    if (list.length === 0) return emptyList;
    return this.data.pushList(list);
  }

  private relation(dep: number): number {
    const { ids } = this.pool;
    const flags = ids.relFlag(dep);
    const name = ids.relName(dep);
    const evr = ids.relEvr(dep);
    if (flags < 8) return this.store(this.versioned(name, flags, evr));
    switch (flags) {
      case rel.with: {
        const other = new Set(this.list(evr));
        return this.store(this.list(name).filter((p) => other.has(p)));
      }
      case rel.without: {
        const other = new Set(this.list(evr));
        return this.store(this.list(name).filter((p) => !other.has(p)));
      }
      // Everything that could take part; the solver looks at the parts itself.
      case rel.and:
      case rel.or:
        return this.union(this.list(name), this.list(evr));
      case rel.if:
      case rel.unless:
        if (isRel(evr) && ids.relFlag(evr) === rel.else) return this.union(this.list(name), this.list(ids.relEvr(evr)));
        return this.of(name);
      case rel.arch:
        return this.store(this.ofArch(name, evr));
      case rel.multiarch:
        return ids.text(evr) === 'any' ? this.of(name) : emptyList;
      case rel.kind:
        return this.store(this.list(name).filter((p) => this.isKind(p, evr)));
      case rel.namespace: {
        if (!isRel(name) && ids.text(name) === 'namespace:otherproviders') return this.of(evr);
        const found = this.pool.namespaces.get(dep) ?? this.pool.namespaces.get(ids.relation(name, rel.namespace, 0));
        if (found === undefined) return emptyList;
        return found.includes(systemSolvable) ? systemList : this.store(found);
      }
      default:
        return emptyList;
    }
  }

  private union(a: readonly number[], b: readonly number[]): number {
    return this.store([...new Set([...a, ...b])].sort((x, y) => x - y));
  }

  /** Source packages provide nothing: they are looked for by name. */
  private ofArch(name: number, arch: number): number[] {
    const { pool } = this;
    if (arch !== pool.src && arch !== pool.nosrc) return this.list(name).filter((p) => pool.archs.data[p] === arch);
    const out: number[] = [];
    for (let p = 2; p < pool.count; p++) {
      if (pool.repoOf.data[p] === 0 || pool.disabled.has(p)) continue;
      if (pool.archs.data[p] !== arch && pool.archs.data[p] !== pool.nosrc) continue;
      if (pool.matchesNevr(p, name)) out.push(p);
    }
    return out;
  }

  /** `KIND:NAME` packages; the empty kind is that of plain packages. */
  private isKind(p: number, kind: number): boolean {
    const { ids, names } = this.pool;
    const name = ids.text(names.data[p]!);
    const prefix = ids.text(kind);
    return prefix === '' ? name.startsWith(':') || !/^[a-z]*:/.test(name) : name.startsWith(`${prefix}:`);
  }

  private versioned(name: number, flags: number, evr: number): number[] {
    if (flags === 0) return [];
    const { ids } = this.pool;
    let plain = name;
    while (isRel(plain)) plain = ids.relName(plain);
    const out = this.list(name).filter((p) => this.matches(p, plain, flags, evr));
    // Promises of the package format that nobody makes are the system's.
    if (out.length === 0 && ids.text(plain).startsWith('rpmlib(')) out.push(systemSolvable);
    return out;
  }

  /** Whether what `p` provides under `name` meets the range. */
  private matches(p: number, name: number, flags: number, evr: number): boolean {
    const { pool } = this;
    const lists = pool.lists.data;
    for (let at = pool.listAt(p, field.provides); lists[at] !== 0; at++) {
      const id = lists[at]!;
      if (id === name) {
        // Debian: a provide without version meets no version.
        if (pool.kind === 'deb') continue;
        return true;
      }
      if (!isRel(id) || pool.ids.relName(id) !== name) continue;
      const pflags = pool.ids.relFlag(id);
      if (pflags === rel.namespace || pool.rangesMeet(pflags, pool.ids.relEvr(id), flags, evr)) return true;
    }
    return false;
  }
}
