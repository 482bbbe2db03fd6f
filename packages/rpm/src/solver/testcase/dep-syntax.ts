// Dependencies in libsolv's test format: `A >= 1-1`, `A & (B | C)`, `A <IF> B <ELSE> C`, `namespace:language(de)`.
import { CoppiceError } from '@coppice/base';
import type { Pool } from '../pool.ts';
import { isRel, rel } from '../strings.ts';

const operators: readonly (readonly [string, number])[] = [
  ['<NAMESPACE>', rel.namespace],
  ['<MULTIARCH>', rel.multiarch],
  ['<IF>', rel.if],
  ['<ELSE>', rel.else],
  ['<UNLESS>', rel.unless],
  ['<KIND>', rel.kind],
  ['compat >=', rel.compat],
  ['<=>', rel.lt | rel.eq | rel.gt],
  ['<=', rel.lt | rel.eq],
  ['>=', rel.gt | rel.eq],
  ['<>', rel.lt | rel.gt],
  ['=', rel.eq],
  ['>', rel.gt],
  ['<', rel.lt],
  ['&', rel.and],
  ['|', rel.or],
  ['+', rel.with],
  ['-', rel.without],
  ['.', rel.arch],
];

interface Reader {
  readonly text: string;
  at: number;
  depth: number;
}

function blanks(r: Reader): void {
  while (r.text[r.at] === ' ' || r.text[r.at] === '\t') r.at++;
}

function unescapeName(text: string): string {
  return text.replace(/\\([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function bad(r: Reader): never {
  throw new CoppiceError('Invalid', `cannot parse dependency '${r.text}'`);
}

function name(pool: Pool, r: Reader): number {
  const start = r.at;
  const namespace = r.text.startsWith('namespace:', start);
  let depth = 0;
  while (r.at < r.text.length) {
    const c = r.text[r.at]!;
    if (c === ' ' || c === '\t') break;
    if (c === '(') {
      if (namespace) break;
      depth++;
    } else if (c === ')') {
      if (depth === 0) break;
      depth--;
    }
    r.at++;
  }
  const word = r.text.slice(start, r.at);
  if (word === '') bad(r);
  if (word === '<NULL>') return 0;
  if (word === '\\00') return 1;
  if (namespace && r.text[r.at] === '(') {
    r.at++;
    const inner = r.text.startsWith(')', r.at) ? 0 : expression(pool, r);
    if (r.text[r.at] !== ')') bad(r);
    r.at++;
    return pool.ids.relation(pool.ids.string(word), rel.namespace, inner);
  }
  const any = /^(.+):any$/.exec(word);
  if (any !== null) return pool.ids.relation(pool.nameId(unescapeName(any[1]!)), rel.multiarch, pool.ids.string('any'));
  return pool.nameId(unescapeName(word));
}

function expression(pool: Pool, r: Reader): number {
  if (++r.depth > 200) bad(r);
  blanks(r);
  let left: number;
  if (r.text[r.at] === '(') {
    r.at++;
    left = expression(pool, r);
    if (r.text[r.at] !== ')') bad(r);
    r.at++;
  } else left = name(pool, r);
  r.depth--;
  for (;;) {
    blanks(r);
    if (r.at >= r.text.length || r.text[r.at] === ')') return left;
    const op = operators.find(([text]) => r.text.startsWith(text, r.at));
    if (op === undefined) bad(r);
    r.at += op![0].length;
    const flags = op![1];
    // Comparisons and architectures bind to the next word; the others take all that follows.
    if (flags >= 8 && flags !== rel.arch && flags !== rel.compat)
      return pool.ids.relation(left, flags, expression(pool, r));
    blanks(r);
    let right = name(pool, r);
    blanks(r);
    if (flags < 8 && r.text.startsWith('compat >=', r.at)) {
      r.at += 'compat >='.length;
      blanks(r);
      right = pool.ids.relation(right, rel.compat, name(pool, r));
    }
    left = pool.ids.relation(left, flags, right);
  }
}

/** Reads a dependency. Throws `Invalid`. */
export function parseTestDependency(pool: Pool, text: string): number {
  const r: Reader = { text: text.trim(), at: 0, depth: 0 };
  const id = expression(pool, r);
  blanks(r);
  if (r.at !== r.text.length) bad(r);
  return id;
}

/** A name written so that it reads back as one word: blanks, brackets and what would be taken for something else as `\XX`. */
export function escapeName(text: string): string {
  if (text === '') return '\\00';
  const odd = /^[[(<=>!]|^namespace:|[\0- \\]/.test(text);
  const pairs = text.replace(/\([^()]*\)/g, '');
  const brackets = /[()]/.test(odd ? text : pairs);
  let out = '';
  for (const [i, c] of [...text].entries()) {
    const code = c.charCodeAt(0);
    const special =
      code <= 32 ||
      c === '\\' ||
      (brackets && (c === '(' || c === ')')) ||
      (i === 0 && '[(<=>!'.includes(c)) ||
      (c === ':' && ((i === 9 && text.startsWith('namespace:')) || (i === text.length - 4 && text.endsWith(':any'))));
    out += special ? `\\${code.toString(16).padStart(2, '0')}` : c;
  }
  return out;
}

/** The sign of a relation. */
export function operatorText(flags: number): string {
  return operators.find(([, f]) => f === flags)?.[0] ?? '???';
}

/** The relation a sign stands for. Throws `Invalid`. */
export function parseOperator(text: string): number {
  const found = operators.find(([sign]) => sign === text);
  if (found === undefined) throw new CoppiceError('Invalid', `unknown operator '${text}'`);
  return found[1];
}

const isComparison = (flags: number): boolean => flags > 0 && flags < 8;

/** Writes a dependency so that `parseTestDependency` reads it back. */
export function formatTestDependency(pool: Pool, dep: number): string {
  const { ids } = pool;
  if (!isRel(dep)) return dep === 0 ? '<NULL>' : escapeName(ids.text(dep));
  const flags = ids.relFlag(dep);
  const left = ids.relName(dep);
  const right = ids.relEvr(dep);
  if (flags === rel.namespace) return `${ids.text(left)}(${formatTestDependency(pool, right)})`;
  if (flags === rel.multiarch && !isRel(left) && ids.text(right) === 'any') return `${escapeName(ids.text(left))}:any`;
  const inBrackets = (id: number, bare: (inner: number) => boolean): string => {
    const text = formatTestDependency(pool, id);
    if (!isRel(id)) return text;
    const inner = ids.relFlag(id);
    // These are one word already.
    if (inner === rel.namespace || (inner === rel.multiarch && text.endsWith(':any'))) return text;
    return bare(inner) ? text : `(${text})`;
  };
  // Comparisons stand without brackets, and so do chains of one operator on the right.
  const l = inBrackets(left, (inner) => flags > 7 && flags !== rel.compat && isComparison(inner));
  const r = inBrackets(
    right,
    (inner) =>
      (flags > 7 && isComparison(inner)) ||
      ((flags === rel.and || flags === rel.or) && inner === flags) ||
      (isComparison(flags) && inner === rel.compat),
  );
  return `${l} ${operatorText(flags)} ${r}`;
}
