// The helix repository format of old test cases (Red Carpet, YaST): XML with a package per element.
import { parseXml, type XmlElement } from '../../repodata/xml-document.ts';
import type { Pool } from '../pool.ts';
import { type Field, field } from '../pool-package.ts';
import type { PoolRepo } from '../pool-repo.ts';
import { isRel, rel } from '../strings.ts';
import { rewriteSuseLists } from './suse-deps.ts';

const lists: Readonly<Record<string, Field>> = {
  provides: field.provides,
  requires: field.requires,
  prerequires: field.requires,
  obsoletes: field.obsoletes,
  conflicts: field.conflicts,
  recommends: field.recommends,
  supplements: field.supplements,
  suggests: field.suggests,
  enhances: field.enhances,
};

/** Of these each further element takes the place of those before. */
const startedAnew = new Set([
  'provides',
  'obsoletes',
  'conflicts',
  'recommends',
  'supplements',
  'suggests',
  'enhances',
]);

const packageKinds = new Set(['selection', 'pattern', 'atom', 'patch', 'product', 'application']);

const operators: Readonly<Record<string, number>> = {
  '>': rel.gt,
  '=': rel.eq,
  '==': rel.eq,
  '>=': rel.gt | rel.eq,
  '<': rel.lt,
  '<=': rel.lt | rel.eq,
  '!=': rel.gt | rel.lt,
  '(any)': rel.gt | rel.eq | rel.lt,
  gt: rel.gt,
  eq: rel.eq,
  lt: rel.lt,
  ge: rel.gt | rel.eq,
  gte: rel.gt | rel.eq,
  le: rel.lt | rel.eq,
  lte: rel.lt | rel.eq,
  ne: rel.gt | rel.lt,
  GT: rel.gt,
  EQ: rel.eq,
  LT: rel.lt,
  GE: rel.gt | rel.eq,
  LE: rel.lt | rel.eq,
  NE: rel.gt | rel.lt,
};

function evrText(epoch = '', version = '', release?: string): string {
  let text = epoch === '' || epoch === '0' ? '' : `${epoch}:`;
  if (text === '' && /^[0-9]+:/.test(version)) text = '0:';
  text += version;
  return release === undefined ? text : `${text}-${release}`;
}

function ownEvr(element: XmlElement): string {
  const text = (name: string): string | undefined => element.all(name).at(-1)?.text;
  return evrText(text('epoch'), text('version'), text('release'));
}

/** All children, those of `deps` elements in their place. */
function* parts(element: XmlElement): Generator<XmlElement> {
  for (const child of element.children) {
    if (child.name === 'deps') yield* parts(child);
    else yield child;
  }
}

function dependency(pool: Pool, element: XmlElement): number | undefined {
  const { name, kind, op, epoch, version, release } = element.attributes;
  if (name === undefined) return undefined;
  const id = pool.nameId(kind === undefined || kind === 'package' ? name : `${kind}:${name}`);
  if (op === undefined) return id;
  const flags = Object.hasOwn(operators, op) ? operators[op]! : 0;
  return pool.ids.relation(id, flags, pool.ids.string(evrText(epoch, version, release)));
}

/** `kernel(NAME)` of a kernel or module package of a flavor is meant for that flavor. */
function flavored(pool: Pool, dep: number, flavor: string): number {
  const { ids } = pool;
  const name = ids.text(isRel(dep) ? ids.relName(dep) : dep);
  if (!name.startsWith('kernel(') || name.includes(':')) return dep;
  const id = pool.nameId(`kernel(${flavor}:${name.slice('kernel('.length)}`);
  return isRel(dep) ? ids.relation(id, ids.relFlag(dep), ids.relEvr(dep)) : id;
}

function kernelFlavor(pool: Pool, provides: readonly number[], requires: readonly number[]): string | undefined {
  const { ids } = pool;
  const names = [
    ...provides.filter((dep) => isRel(dep)).map((dep) => ids.relName(dep)),
    ...requires.map((dep) => (isRel(dep) ? ids.relName(dep) : dep)),
  ];
  for (const name of names) {
    if (isRel(name)) continue;
    const text = ids.text(name);
    if (text.startsWith('kernel-')) return text.slice('kernel-'.length);
  }
  return undefined;
}

function readPackage(pool: Pool, repo: PoolRepo, element: XmlElement): void {
  const found = new Map<Field, number[]>();
  const early: number[] = [];
  let freshens: number[] = [];
  let [name, vendor, arch, buildTime] = ['', '', '', 0];
  let newest: string | undefined;
  const order = (a: string, b: string): number => pool.compareEvrs(pool.ids.string(a), pool.ids.string(b));
  const add = (list: number[], dep: number | undefined): void => {
    if (dep !== undefined && !list.includes(dep)) list.push(dep);
  };
  for (const part of parts(element)) {
    if (part.name === 'name') name = packageKinds.has(element.name) ? `${element.name}:${part.text}` : part.text;
    else if (part.name === 'vendor') vendor = part.text;
    else if (part.name === 'arch') arch = part.text;
    else if (part.name === 'buildtime') buildTime = Number.parseInt(part.text, 10) || 0;
    else if (part.name === 'freshens') {
      freshens = [];
      for (const dep of part.all('dep')) add(freshens, dependency(pool, dep));
    } else if (part.name === 'history') {
      for (const update of part.all('update')) {
        const evr = ownEvr(update);
        arch = update.all('arch').at(-1)?.text ?? arch;
        if (newest === undefined || order(newest, evr) <= 0) newest = evr;
      }
    } else if (Object.hasOwn(lists, part.name)) {
      const which = lists[part.name]!;
      if (startedAnew.has(part.name) || !found.has(which)) found.set(which, []);
      for (const dep of part.all('dep')) {
        const before = part.name === 'prerequires' || (part.name === 'requires' && dep.attributes.pre?.[0] === '1');
        add(before ? early : found.get(which)!, dependency(pool, dep));
      }
    }
  }
  if (element.name === 'srcpackage' && arch !== 'src' && arch !== 'nosrc') arch = 'src';
  if (arch === '') arch = 'noarch';
  const id = pool.addPackage(repo, { name, evr: newest ?? ownEvr(element), arch, vendor });
  if (buildTime !== 0) pool.buildTimes.set(id, buildTime);
  const provides = found.get(field.provides) ?? [];
  if (!pool.isSource(id)) add(provides, pool.ids.relation(pool.names.data[id]!, rel.eq, pool.evrs.data[id]!));
  found.set(field.provides, provides);
  rewriteSuseLists(pool, found, freshens);
  let requires = found.get(field.requires) ?? [];
  // Requirements for the installation itself stand behind the others.
  if (early.length > 0) requires = [...requires.filter((dep) => !early.includes(dep)), ...early];
  const flavor = kernelFlavor(pool, provides, requires);
  const meant = (list: readonly number[]): number[] =>
    flavor === undefined ? [...list] : [...new Set(list.map((dep) => flavored(pool, dep, flavor)))];
  found.set(field.provides, meant(provides));
  found.set(field.requires, meant(requires));
  if (early.length > 0) pool.prerequires.set(id, meant(early));
  for (const [which, ids] of found) pool.setIds(id, which, ids);
}

/** Adds the packages of a helix text to a repository. Throws `Invalid`. */
export function readHelix(pool: Pool, repo: PoolRepo, text: string): void {
  const root = parseXml(Buffer.from(text), `repository ${repo.name}`);
  if (root.name !== 'channel') return;
  for (const channel of root.all('subchannel'))
    for (const element of channel.children)
      if (element.name === 'package' || element.name === 'srcpackage' || packageKinds.has(element.name))
        readPackage(pool, repo, element);
}
