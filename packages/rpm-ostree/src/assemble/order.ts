// The order packages are unpacked and their scripts run: what a package needs comes before it; by name where nothing decides.
import { type Header, headerDependencies, packageFiles, Sense, Tag } from '@coppice/rpm';

export interface Orderable {
  readonly header: Header;
}

const prerequisite = Sense.scriptPre | Sense.scriptPost | Sense.preReq | Sense.interp;

/** Sorts packages; cycles are broken at the dependency that no script needs. */
export function orderPackages<T extends Orderable>(packages: readonly T[]): T[] {
  const byName = [...packages].sort((a, b) => {
    const x = a.header.getString(Tag.Name) ?? '';
    const y = b.header.getString(Tag.Name) ?? '';
    return x < y ? -1 : x > y ? 1 : 0;
  });
  const providers = new Map<string, T[]>();
  const provide = (name: string, pkg: T): void => {
    const list = providers.get(name);
    if (list === undefined) providers.set(name, [pkg]);
    else if (!list.includes(pkg)) list.push(pkg);
  };
  const wanted = new Set(
    byName.flatMap((p) => headerDependencies(p.header, 'requires').map((r) => r.name)).filter((n) => n.startsWith('/')),
  );
  for (const pkg of byName) {
    provide(pkg.header.getString(Tag.Name) ?? '', pkg);
    for (const dep of headerDependencies(pkg.header, 'provides')) provide(dep.name, pkg);
    if (wanted.size > 0)
      for (const file of packageFiles(pkg.header)) if (wanted.has(file.path)) provide(file.path, pkg);
  }
  const needs = (pkg: T, hard: boolean): T[] => {
    const out = new Set<T>();
    for (const dep of headerDependencies(pkg.header, 'requires')) {
      if (hard && (dep.raw & prerequisite) === 0) continue;
      for (const other of providers.get(dep.name) ?? []) if (other !== pkg) out.add(other);
    }
    return [...out];
  };
  const state = new Map<T, 'open' | 'done'>();
  const out: T[] = [];
  // Depth first with an own stack: dependency chains can be long.
  const visit = (start: T): void => {
    const stack: { pkg: T; todo: T[] }[] = [];
    const enter = (pkg: T): void => {
      state.set(pkg, 'open');
      stack.push({ pkg, todo: [...needs(pkg, true), ...needs(pkg, false)] });
    };
    enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const next = top.todo.shift();
      if (next === undefined) {
        stack.pop();
        state.set(top.pkg, 'done');
        out.push(top.pkg);
      } else if (!state.has(next)) enter(next);
    }
  };
  for (const pkg of byName) if (!state.has(pkg)) visit(pkg);
  return out;
}
