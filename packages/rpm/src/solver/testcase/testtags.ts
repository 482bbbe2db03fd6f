// The testtags repository format of libsolv: `=Pkg: NAME VERSION RELEASE ARCH` and one line per dependency.
import type { Pool } from '../pool.ts';
import { type Field, field } from '../pool-package.ts';
import type { PoolRepo } from '../pool-repo.ts';
import { rel } from '../strings.ts';
import { formatTestDependency, parseTestDependency } from './dep-syntax.ts';
import { rewriteSuseLists } from './suse-deps.ts';

const dependencyTags: Readonly<Record<string, Field>> = {
  Prv: field.provides,
  Req: field.requires,
  Prq: field.requires,
  Con: field.conflicts,
  Obs: field.obsoletes,
  Rec: field.recommends,
  Sug: field.suggests,
  Sup: field.supplements,
  Enh: field.enhances,
};

/** Logical lines: `=Tag: text`, with `+Tag:` ... `-Tag:` blocks taken apart. */
function* tagLines(text: string): Generator<[string, string]> {
  let block: string | undefined;
  for (const line of text.split('\n')) {
    if (block !== undefined) {
      if (line.trimEnd() === `-${block}:`) block = undefined;
      else if (line.trim() !== '') yield [block, line];
      continue;
    }
    const m = /^([=+])(\w+):\s?(.*)$/.exec(line);
    if (m === null) continue;
    if (m[1] === '+') block = m[2]!;
    else yield [m[2]!, m[3]!.trim()];
  }
}

/** Adds the packages of a testtags text to a repository. Throws `Invalid`. */
export function readTesttags(pool: Pool, repo: PoolRepo, text: string): void {
  let version = 0;
  let selfProvides = true;
  let id = 0;
  let lists = new Map<Field, number[]>();
  let early: number[] = [];
  const listOf = (which: Field): number[] => {
    let list = lists.get(which);
    if (list === undefined) {
      list = [];
      lists.set(which, list);
    }
    return list;
  };
  const finish = (): void => {
    if (id === 0) return;
    if (version === 2) rewriteSuseLists(pool, lists);
    if (selfProvides && !pool.isSource(id)) {
      const self = pool.ids.relation(pool.names.data[id]!, rel.eq, pool.evrs.data[id]!);
      const provides = listOf(field.provides);
      if (!provides.includes(self)) provides.push(self);
    }
    if (early.length > 0) {
      // Requirements for the installation itself stand behind the others.
      pool.prerequires.set(id, early);
      lists.set(field.requires, [...listOf(field.requires).filter((dep) => !early.includes(dep)), ...early]);
    }
    for (const [which, ids] of lists) pool.setIds(id, which, ids);
    lists = new Map();
    early = [];
    id = 0;
  };
  for (const [tag, value] of tagLines(text)) {
    if (tag === 'Ver') {
      version = Number.parseInt(value, 10) || 0;
      selfProvides = version < 3 || value.includes('addselfprovides');
    } else if (tag === 'Pkg') {
      const words = value.split(/[ \t]+/);
      if (words.length !== 4) continue;
      finish();
      const [name, ver, release, arch] = words as [string, string, string, string];
      id = pool.addPackage(repo, {
        name,
        evr: release === '-' ? ver : `${ver}-${release}`,
        arch: arch === '-' ? '' : arch,
      });
    } else if (id === 0) continue;
    else if (tag === 'Vnd') pool.vendors.data[id] = value === '' ? 0 : pool.ids.string(value);
    else if (tag === 'Tim') pool.buildTimes.set(id, Number(value) || 0);
    else if (tag === 'Fls') {
      listOf(field.files).push(pool.ids.string(value));
    } else {
      const which = Object.hasOwn(dependencyTags, tag) ? dependencyTags[tag] : undefined;
      if (which === undefined) continue;
      const dep = value.startsWith('/') ? pool.nameId(value) : parseTestDependency(pool, value);
      if (tag === 'Prq') {
        if (!early.includes(dep)) early.push(dep);
        continue;
      }
      const list = listOf(which);
      if (!list.includes(dep)) list.push(dep);
    }
  }
  finish();
}

const writeOrder: readonly (readonly [string, Field])[] = [
  ['Req', field.requires],
  ['Prv', field.provides],
  ['Obs', field.obsoletes],
  ['Con', field.conflicts],
  ['Rec', field.recommends],
  ['Sup', field.supplements],
  ['Sug', field.suggests],
  ['Enh', field.enhances],
];

/** Writes a repository as testtags (version 3: every provide is explicit). */
export function writeTesttags(pool: Pool, repo: PoolRepo): string {
  const out = ['=Ver: 3.0'];
  for (const p of repo.solvables) {
    const evr = pool.ids.text(pool.evrs.data[p]!);
    const dash = evr.lastIndexOf('-');
    const [version, release] = dash < 0 ? [evr, '-'] : [evr.slice(0, dash), evr.slice(dash + 1)];
    out.push(
      `=Pkg: ${pool.ids.text(pool.names.data[p]!)} ${version} ${release} ${pool.ids.text(pool.archs.data[p]!) || '-'}`,
    );
    for (const [tag, which] of writeOrder)
      for (const dep of pool.list(p, which)) out.push(`=${tag}: ${formatTestDependency(pool, dep)}`);
    if (pool.vendors.data[p] !== 0) out.push(`=Vnd: ${pool.ids.text(pool.vendors.data[p]!)}`);
    for (const file of pool.list(p, field.files)) out.push(`=Fls: ${pool.ids.text(file)}`);
  }
  return `${out.join('\n')}\n`;
}
