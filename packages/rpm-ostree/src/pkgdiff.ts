// Difference of two package lists, as the original's library computes it: both lists sorted by name, merged; same name and
// architecture with another EVR is a modification; a lone package whose architecture changed is one too.
import { compareEvr, formatEvr, formatNevra, type Nevra } from './nevra.ts';

export interface PackageChange {
  readonly from: Nevra;
  readonly to: Nevra;
}

export interface PackageDiff {
  readonly upgraded: readonly PackageChange[];
  readonly downgraded: readonly PackageChange[];
  readonly removed: readonly Nevra[];
  readonly added: readonly Nevra[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of package lists: name, EVR, architecture. */
export function comparePackages(a: Nevra, b: Nevra): number {
  return byText(a.name, b.name) || compareEvr(a, b) || byText(a.arch, b.arch);
}

function groupByName(list: readonly Nevra[]): Map<string, Nevra[]> {
  const out = new Map<string, Nevra[]>();
  for (const pkg of list) {
    const group = out.get(pkg.name);
    if (group === undefined) out.set(pkg.name, [pkg]);
    else group.push(pkg);
  }
  return out;
}

/** What changed from `from` to `to`. Lists come out sorted as the original prints them. */
export function diffPackages(from: readonly Nevra[], to: readonly Nevra[]): PackageDiff {
  const upgraded: PackageChange[] = [];
  const downgraded: PackageChange[] = [];
  const removed: Nevra[] = [];
  const added: Nevra[] = [];
  const change = (a: Nevra, b: Nevra): void => {
    const order = compareEvr(a, b);
    if (order <= 0) upgraded.push({ from: a, to: b });
    else downgraded.push({ from: a, to: b });
  };
  const old = groupByName(from);
  const fresh = groupByName(to);
  for (const name of [...new Set([...old.keys(), ...fresh.keys()])].sort(byText)) {
    const a = [...(old.get(name) ?? [])].sort(comparePackages);
    const b = [...(fresh.get(name) ?? [])].sort(comparePackages);
    if (a.length === 1 && b.length === 1) {
      if (formatNevra(a[0]!) !== formatNevra(b[0]!)) change(a[0]!, b[0]!);
      continue;
    }
    // Several of one name: pair by architecture, drop what is on both sides first.
    const same = new Set(a.map(formatNevra).filter((n) => b.some((p) => formatNevra(p) === n)));
    const restA = a.filter((p) => !same.has(formatNevra(p)));
    const restB = b.filter((p) => !same.has(formatNevra(p)));
    for (const pkg of restA) {
      const at = restB.findIndex((p) => p.arch === pkg.arch);
      if (at < 0) removed.push(pkg);
      else change(pkg, restB.splice(at, 1)[0]!);
    }
    added.push(...restB);
  }
  return { upgraded, downgraded, removed, added };
}

export function isEmptyDiff(diff: PackageDiff): boolean {
  return diff.upgraded.length + diff.downgraded.length + diff.removed.length + diff.added.length === 0;
}

/** The four blocks that follow a transaction and `db diff`. */
export function formatPackageDiff(diff: PackageDiff): string {
  const rows: string[] = [];
  const block = (title: string, lines: string[]): void => {
    if (lines.length > 0) rows.push(`${title}:`, ...lines.map((l) => `  ${l}`));
  };
  const row = (c: PackageChange): string => `${c.from.name} ${formatEvr(c.from)} -> ${formatEvr(c.to)}`;
  block('Upgraded', diff.upgraded.map(row));
  block('Downgraded', diff.downgraded.map(row));
  block('Removed', diff.removed.map(formatNevra));
  block('Added', diff.added.map(formatNevra));
  return rows.map((r) => `${r}\n`).join('');
}

/** `db diff --format=diff`: one list by name, `!old` and `=new` for changes, `-` and `+` for the others. */
export function formatPackageDiffMerged(diff: PackageDiff): string {
  const entries: { name: string; lines: string[] }[] = [];
  for (const c of [...diff.upgraded, ...diff.downgraded])
    entries.push({ name: c.from.name, lines: [`!${formatNevra(c.from)}`, `=${formatNevra(c.to)}`] });
  for (const p of diff.removed) entries.push({ name: p.name, lines: [`-${formatNevra(p)}`] });
  for (const p of diff.added) entries.push({ name: p.name, lines: [`+${formatNevra(p)}`] });
  entries.sort((a, b) => byText(a.name, b.name));
  return entries.flatMap((e) => e.lines.map((l) => `${l}\n`)).join('');
}

/** `4 upgraded, 1 added`: the value of `Diff:` in `status`. */
export function summarizePackageDiff(diff: PackageDiff): string {
  const parts: string[] = [];
  for (const kind of ['upgraded', 'downgraded', 'removed', 'added'] as const)
    if (diff[kind].length > 0) parts.push(`${diff[kind].length} ${kind}`);
  return parts.join(', ');
}
