// The four blocks of a package difference with what the changelogs of upgraded packages say since the old build.
import { tmpdir } from 'node:os';
import type { Repo } from '@coppice/ostree';
import { type Header, Tag } from '@coppice/rpm';
import { formatEvr, formatNevra, type Nevra } from './nevra.ts';
import { comparePackages, diffPackages, formatPackageDiff, type PackageChange } from './pkgdiff.ts';
import { nevraOfInstalled, TreeDatabase } from './rpmdb.ts';
import { ImageTree } from './tree/image-tree.ts';

const indent = '    ';
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface Entry {
  readonly time: number;
  readonly name: string;
  readonly text: string;
}

function changelog(header: Header): Entry[] {
  const times = header.getNumbers(Tag.ChangelogTime) ?? [];
  const names = header.getStrings(Tag.ChangelogName) ?? [];
  const texts = header.getStrings(Tag.ChangelogText) ?? [];
  return times.map((time, i) => ({ time: Number(time), name: names[i] ?? '', text: texts[i] ?? '' }));
}

function formatEntry({ time, name, text }: Entry): string {
  const date = new Date(time * 1000);
  const day = `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2, '0')} ${date.getUTCFullYear()}`;
  return `${indent}* ${day} ${name}\n${indent}${text.replaceAll('\n', `\n${indent}`)}\n\n`;
}

/** Entries of the new build up to the newest one of the old build. */
function news(old: Header, fresh: Header): string {
  const [last] = changelog(old);
  if (last === undefined) return '';
  let out = '';
  for (const entry of changelog(fresh)) {
    if (last.time > entry.time) break;
    if (last.time === entry.time && last.name === entry.name && last.text === entry.text) break;
    out += formatEntry(entry);
  }
  return out;
}

function headersOf(repo: Repo, commit: string): Map<string, { readonly nevra: Nevra; readonly header: Header }> {
  const taken = TreeDatabase.take(ImageTree.fromCommit(repo, commit), tmpdir());
  if (taken === undefined) return new Map();
  try {
    return new Map(
      taken.installed().map((p) => {
        const nevra = nevraOfInstalled(p);
        return [formatNevra(nevra), { nevra, header: p.header }];
      }),
    );
  } finally {
    taken.done();
  }
}

/** `db diff --changelogs`. Builds of one source share their changelog, which is told once for each run of them. */
export function formatChangelogDiff(repo: Repo, from: string, to: string): string {
  const [old, fresh] = [headersOf(repo, from), headersOf(repo, to)];
  const diff = diffPackages(
    [...old.values()].map((p) => p.nevra),
    [...fresh.values()].map((p) => p.nevra),
  );
  const upgraded = [...diff.upgraded].sort((a, b) => comparePackages(a.from, b.from));
  const source = (c: PackageChange | undefined): string | undefined =>
    c === undefined ? undefined : old.get(formatNevra(c.from))?.header.getString(Tag.SourceRpm);
  let out = upgraded.length > 0 ? 'Upgraded:\n' : '';
  for (const [i, change] of upgraded.entries()) {
    out += `  ${change.from.name} ${formatEvr(change.from)} -> ${formatEvr(change.to)}\n`;
    const mine = source(change);
    if (i + 1 < upgraded.length && mine !== undefined && source(upgraded[i + 1]) === mine) continue;
    const [a, b] = [old.get(formatNevra(change.from)), fresh.get(formatNevra(change.to))];
    if (a !== undefined && b !== undefined) out += news(a.header, b.header);
  }
  return out + formatPackageDiff({ ...diff, upgraded: [] });
}
