import { field, type Pool, type PoolRepo } from '../solver/pool.ts';
import type { PackageTable } from './package-table.ts';

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
] as const;

/**
 * Adds the packages of a table to a repository of the pool; returns the solvable of each, 0 for those `skip` leaves out.
 * The same as `addPackage` one by one, but every distinct name and dependency is looked up once instead of at each of
 * its million uses.
 */
export function addTable(
  pool: Pool,
  repo: PoolRepo,
  table: PackageTable,
  skip: (index: number) => boolean = () => false,
): Int32Array {
  const { dependencies, strings } = table.parts;
  const dependencyIds = new Int32Array(dependencies.length / 3);
  const stringIds = new Int32Array(strings.count);
  const out = new Int32Array(table.count);
  const dependencyId = (id: number): number => {
    let found = dependencyIds[id]!;
    if (found === 0) {
      const dependency = table.dependency(id);
      // Promises of the package format itself; no package provides them.
      found = dependency.name.startsWith('rpmlib(') ? -1 : pool.dependency(dependency);
      dependencyIds[id] = found;
    }
    return found;
  };
  const stringId = (id: number): number => {
    let found = stringIds[id]!;
    if (found === 0) {
      found = pool.ids.string(strings.looseText(id));
      stringIds[id] = found;
    }
    return found;
  };
  for (let i = 0; i < table.count; i++) {
    if (skip(i)) continue;
    const solvable = pool.addPackage(repo, {
      name: table.textOf(i, 0),
      evr: table.textOf(i, 4),
      arch: table.textOf(i, 5),
      vendor: table.textOf(i, 14),
    });
    out[i] = solvable;
    for (let kind = 0; kind < fields.length; kind++) {
      const list = table.list(i, kind);
      if (list.length === 0) continue;
      const ids: number[] = [];
      for (const id of list) {
        const found = dependencyId(id);
        if (found > 0) ids.push(found);
      }
      pool.setIds(solvable, fields[kind]!, ids);
    }
    const files = table.list(i, fields.length);
    if (files.length > 0) pool.setIds(solvable, field.files, Array.from(files, stringId));
  }
  return out;
}
