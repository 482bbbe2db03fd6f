import { sense } from '../dependency.ts';
import type { Pool } from '../solver/pool.ts';
import { field } from '../solver/pool-package.ts';
import type { PoolRepo } from '../solver/pool-repo.ts';
import { rel } from '../solver/strings.ts';
import { listColumns, type PackageTable, textColumns } from './package-table.ts';

/** Pool fields in the order of a table's lists (`repoDependencyKinds`, then files). */
const fields = [
  field.provides,
  field.requires,
  field.conflicts,
  field.obsoletes,
  field.suggests,
  field.enhances,
  field.recommends,
  field.supplements,
  field.files,
] as const;

const relationBits = (flags: number): number =>
  (flags & sense.less ? rel.lt : 0) | (flags & sense.greater ? rel.gt : 0) | (flags & sense.equal ? rel.eq : 0);

/**
 * Adds the packages of a table to a repository of the pool; returns the solvable of each, 0 for those `skip` leaves out.
 * The same as `addPackage` one by one, but no text is looked at: strings get their ids in one block, and every distinct
 * dependency is made once instead of at each of its million uses.
 */
export function addTable(
  pool: Pool,
  repo: PoolRepo,
  table: PackageTable,
  skip: (index: number) => boolean = () => false,
): Int32Array {
  const { dependencies, strings, texts, lists, starts } = table.parts;
  const stringIds = pool.ids.adopt(strings);
  const dependencyIds = new Int32Array(dependencies.length / 3);
  const out = new Int32Array(table.count);
  pool.reserve(table.count, lists.length + table.count * listColumns, dependencyIds.length);
  const makeDependency = (id: number): number => {
    const name = dependencies[id * 3]!;
    if (strings.startsWith(name, '(')) return pool.dependency(table.dependency(id));
    // Promises of the package format itself; no package provides them.
    if (strings.startsWith(name, 'rpmlib(')) return -1;
    const nameId = stringIds[name]!;
    if (strings.startsWith(name, '/')) pool.noteFileDependency(nameId);
    const flags = relationBits(dependencies[id * 3 + 2]!);
    return flags === 0 ? nameId : pool.ids.relation(nameId, flags, stringIds[dependencies[id * 3 + 1]!]!);
  };
  let ids = new Int32Array(1024);
  for (let i = 0; i < table.count; i++) {
    if (skip(i)) continue;
    const at = i * textColumns.length;
    const vendor = texts[at + 6]!;
    const solvable = pool.addSolvable(
      repo,
      stringIds[texts[at]!]!,
      stringIds[texts[at + 4]!]!,
      stringIds[texts[at + 5]!]!,
      vendor === 0 ? 0 : stringIds[vendor]!,
    );
    out[i] = solvable;
    for (let kind = 0; kind < listColumns; kind++) {
      const from = starts[i * listColumns + kind]!;
      const to = starts[i * listColumns + kind + 1]!;
      if (from === to) continue;
      if (to - from > ids.length) ids = new Int32Array((to - from) * 2);
      let n = 0;
      for (let k = from; k < to; k++) {
        const item = lists[k]!;
        let id: number;
        if (kind === listColumns - 1) id = stringIds[item]!;
        else {
          id = dependencyIds[item]!;
          if (id === 0) dependencyIds[item] = id = makeDependency(item);
          if (id < 0) continue;
        }
        ids[n++] = id;
      }
      pool.setIds(solvable, fields[kind]!, ids.subarray(0, n));
    }
  }
  return out;
}
