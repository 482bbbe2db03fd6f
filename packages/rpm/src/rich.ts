// Rich (boolean) dependencies: `(A op B)` as rpm's lib/rpmds.c reads them.
import { CoppiceError } from '@coppice/base';
import { type Dependency, formatDependency, senseOf } from './dependency.ts';

export const richOperators = ['and', 'or', 'if', 'unless', 'with', 'without'] as const;
export type RichOperator = (typeof richOperators)[number];

/** An operator over two operands; `otherwise` is the operand of `else` (with `if` and `unless` only). */
export interface RichNode {
  readonly op: RichOperator;
  readonly left: RichDependency;
  readonly right: RichDependency;
  readonly otherwise?: RichDependency;
}
export type RichDependency = RichNode | Dependency;

const deepest = 64;
const longest = 65536;

export function isRich(dep: RichDependency): dep is RichNode {
  return 'op' in dep;
}

interface Reader {
  readonly text: string;
  at: number;
}

function bad(message: string): never {
  throw new CoppiceError('Invalid', message);
}

function skipBlanks(r: Reader): void {
  while (r.at < r.text.length && /[\s,]/.test(r.text[r.at]!)) r.at++;
}

/** A word ends at a blank, at a comma, or at the parenthesis that closes the enclosing expression. */
function word(r: Reader): string {
  const start = r.at;
  let depth = 0;
  while (r.at < r.text.length) {
    const c = r.text[r.at]!;
    if (c === '(') depth++;
    else if (c === ')') {
      if (depth === 0) break;
      depth--;
    } else if ((c === ' ' || c === '\t' || c === '\n' || c === ',') && depth === 0) break;
    r.at++;
  }
  return r.text.slice(start, r.at);
}

function simple(r: Reader): Dependency {
  const name = word(r);
  if (name === '') bad('Name required');
  skipBlanks(r);
  let end = r.at;
  while (end < r.text.length && '<>='.includes(r.text[end]!)) end++;
  if (end === r.at) return { name, flags: 0, evr: '' };
  const flags = senseOf(r.text.slice(r.at, end));
  if (flags === undefined) bad(`Unknown comparison operator: ${r.text.slice(r.at, end)}`);
  r.at = end;
  skipBlanks(r);
  const evr = word(r);
  if (evr === '') bad('Version required');
  return { name, flags: flags!, evr };
}

function operand(r: Reader, depth: number): RichDependency {
  skipBlanks(r);
  return r.text[r.at] === '(' ? group(r, depth + 1) : simple(r);
}

function operator(r: Reader): string {
  skipBlanks(r);
  const start = r.at;
  while (r.at < r.text.length && /[a-z]/i.test(r.text[r.at]!)) r.at++;
  return r.text.slice(start, r.at);
}

function closes(r: Reader): boolean {
  skipBlanks(r);
  if (r.text[r.at] !== ')') return false;
  r.at++;
  return true;
}

/** Reads after the operands of one group are known: `(A op B op C)` needs the same operator and one that chains. */
function group(r: Reader, depth: number): RichDependency {
  if (depth > deepest) bad(`Rich dependency nested more than ${deepest} deep`);
  r.at++;
  const operands = [operand(r, depth)];
  if (closes(r)) return operands[0]!;
  const op = operator(r) as RichOperator;
  if (!richOperators.includes(op)) bad(`Unknown rich dependency op '${op}'`);
  let otherwise: RichDependency | undefined;
  for (;;) {
    operands.push(operand(r, depth));
    if (closes(r)) break;
    const next = operator(r);
    if ((op === 'if' || op === 'unless') && next === 'else') {
      otherwise = operand(r, depth);
      if (!closes(r)) bad('Unterminated rich dependency');
      break;
    }
    if (r.at >= r.text.length && next === '') bad(`Unterminated rich dependency: ${r.text}`);
    if (next !== op || !(op === 'and' || op === 'or' || op === 'with')) bad('Cannot chain different ops');
  }
  let node = operands[operands.length - 1]!;
  for (let i = operands.length - 2; i >= 0; i--)
    node = { op, left: operands[i]!, right: node, ...(otherwise === undefined ? {} : { otherwise }) };
  return node;
}

/** Parses a whole `( ... )`. Throws `Invalid` on any other text. */
export function parseRichDependency(text: string): RichDependency {
  if (text.length > longest) bad(`Rich dependency longer than ${longest} characters`);
  const r: Reader = { text, at: 0 };
  skipBlanks(r);
  if (text[r.at] !== '(') bad(`Rich dependency does not start with '(': ${text}`);
  const node = group(r, 0);
  skipBlanks(r);
  if (r.at !== text.length) bad(`Junk after rich dependency: ${text.slice(r.at)}`);
  return node;
}

/** The text of a dependency; chains of one operator are written without inner parentheses. */
export function formatRichDependency(dep: RichDependency): string {
  if (!isRich(dep)) return formatDependency(dep);
  const parts = [formatRichDependency(dep.left)];
  let right = dep.right;
  while (isRich(right) && right.op === dep.op && (dep.op === 'and' || dep.op === 'or' || dep.op === 'with')) {
    parts.push(formatRichDependency(right.left));
    right = right.right;
  }
  parts.push(formatRichDependency(right));
  const tail = dep.otherwise === undefined ? '' : ` else ${formatRichDependency(dep.otherwise)}`;
  return `(${parts.join(` ${dep.op} `)}${tail})`;
}

/** Every plain dependency inside, in reading order. */
export function* simpleDependencies(dep: RichDependency): Generator<Dependency> {
  if (!isRich(dep)) {
    yield dep;
    return;
  }
  yield* simpleDependencies(dep.left);
  yield* simpleDependencies(dep.right);
  if (dep.otherwise !== undefined) yield* simpleDependencies(dep.otherwise);
}
