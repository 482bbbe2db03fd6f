import { resolve } from 'node:path';
import { compareEvrText, formatNevra, loadRepository, type RepositoryPackage } from '@coppice/rpm';
import type { SubVerbModule } from '../sub-verbs.ts';

/** The newest package of each name and architecture. */
function newest(packages: readonly RepositoryPackage[]): Map<string, RepositoryPackage> {
  const out = new Map<string, RepositoryPackage>();
  for (const pkg of packages) {
    const key = `${pkg.name}.${pkg.arch}`;
    const known = out.get(key);
    if (known === undefined || compareEvrText(pkg.evr, known.evr) > 0) out.set(key, pkg);
  }
  return out;
}

export const run: SubVerbModule['run'] = async (context, operands, flags) => {
  if (flags['repo'] !== undefined) return (await import('./ostree-diff.ts')).run(context, operands, flags);
  const [oldPath, newPath] = operands;
  const before = newest(loadRepository(resolve(context.cwd, oldPath as string)).packages);
  const after = newest(loadRepository(resolve(context.cwd, newPath as string)).packages);
  const changes: { kind: string; from?: RepositoryPackage; to?: RepositoryPackage }[] = [];
  for (const key of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const from = before.get(key);
    const to = after.get(key);
    if (from === undefined) changes.push({ kind: 'Added', to: to! });
    else if (to === undefined) changes.push({ kind: 'Removed', from });
    else {
      const order = compareEvrText(from.evr, to.evr);
      if (order !== 0) changes.push({ kind: order < 0 ? 'Upgraded' : 'Downgraded', from, to });
      else if (from.checksum.value !== to.checksum.value) changes.push({ kind: 'Rebuilt', from, to });
    }
  }
  if (flags['json'] === true) {
    const list = changes.map(({ kind, from, to }) => ({
      kind: kind.toLowerCase(),
      ...(from === undefined ? {} : { from: formatNevra(from) }),
      ...(to === undefined ? {} : { to: formatNevra(to) }),
    }));
    context.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
    return 0;
  }
  for (const kind of ['Upgraded', 'Downgraded', 'Rebuilt', 'Removed', 'Added']) {
    const list = changes.filter((c) => c.kind === kind);
    if (list.length === 0) continue;
    context.stdout.write(`${kind}:\n`);
    for (const { from, to } of list) {
      if (from !== undefined && to !== undefined) context.stdout.write(`  ${from.name} ${from.evr} -> ${to.evr}\n`);
      else context.stdout.write(`  ${formatNevra((from ?? to)!)}\n`);
    }
  }
  return 0;
};
