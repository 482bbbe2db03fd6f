// The testtags repository format of libsolv: `=Pkg: NAME VERSION RELEASE ARCH` and one line per dependency.
import { CoppiceError } from '@coppice/base';
import { type Field, field, type Pool, type PoolRepo } from '../pool.ts';
import { rel } from '../strings.ts';
import { formatTestDependency, parseTestDependency } from './dep-syntax.ts';
import { suseDependency } from './suse-deps.ts';

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

/** Older texts write SUSE's special capabilities as plain names. */
function rewriteSuseDependencies(pool: Pool, lists: Map<Field, number[]>): void {
  const replace = (which: Field, kind: 'supplements' | 'conflicts'): void => {
    const list = lists.get(which);
    if (list !== undefined)
      lists.set(
        which,
        list.map((dep) => suseDependency(pool, dep, kind) ?? dep),
      );
  };
  replace(field.supplements, 'supplements');
  replace(field.conflicts, 'conflicts');
  const added = (lists.get(field.provides) ?? []).flatMap((dep) => suseDependency(pool, dep, 'provides') ?? []);
  if (added.length > 0) lists.set(field.supplements, [...(lists.get(field.supplements) ?? []), ...added]);
}

/** Adds the packages of a testtags text to a repository. Throws `Invalid`. */
export function readTesttags(pool: Pool, repo: PoolRepo, text: string): void {
  let version = 2;
  let id = 0;
  let lists = new Map<Field, number[]>();
  let sourceArch = false;
  const finish = (): void => {
    if (id === 0) return;
    if (version < 3) {
      if (!sourceArch) {
        const provides = lists.get(field.provides) ?? [];
        const self = pool.ids.relation(pool.names.data[id]!, rel.eq, pool.evrs.data[id]!);
        if (!provides.includes(self)) lists.set(field.provides, [self, ...provides]);
      }
      rewriteSuseDependencies(pool, lists);
    }
    for (const [which, ids] of lists) pool.setIds(id, which, ids);
    lists = new Map();
    id = 0;
  };
  for (const [tag, value] of tagLines(text)) {
    if (tag === 'Ver') version = Number.parseInt(value, 10);
    else if (tag === 'Pkg') {
      finish();
      const [name, ver, release, arch] = value.split(/\s+/);
      if (arch === undefined) throw new CoppiceError('Invalid', `bad =Pkg line: ${value}`);
      sourceArch = arch === 'src' || arch === 'nosrc';
      id = pool.addPackage(repo, {
        name: name!,
        evr: release === '-' ? ver! : `${ver}-${release}`,
        arch: arch === '-' ? '' : arch,
      });
    } else if (id === 0) continue;
    else if (tag === 'Vnd') pool.vendors.data[id] = value === '' ? 0 : pool.ids.string(value);
    else if (tag === 'Fls') {
      const files = lists.get(field.files) ?? [];
      files.push(pool.ids.string(value));
      lists.set(field.files, files);
    } else {
      const which = Object.hasOwn(dependencyTags, tag) ? dependencyTags[tag] : undefined;
      if (which === undefined) continue;
      const list = lists.get(which) ?? [];
      list.push(parseTestDependency(pool, value));
      lists.set(which, list);
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
