import { resolveScalar } from './resolve.ts';

// YAML as go-yaml v3 writes generic maps with an indent of two: keys in natural order, sequences indented below their key,
// strings plain where they can be.

export type YamlValue = null | boolean | number | string | readonly YamlValue[] | { readonly [key: string]: YamlValue };

const encoder = new TextEncoder();

/** A document without a start mark, with a final newline. */
export function writeYaml(value: YamlValue): string {
  const out: string[] = [];
  writeNode(value, '', out, true);
  return `${out.join('').replace(/^\n/, '')}\n`;
}

/** Writes what stands behind `key:` or `-`; `indent` is that of the parent. */
function writeNode(value: YamlValue, indent: string, out: string[], root: boolean): void {
  if (Array.isArray(value)) {
    if (value.length === 0) out.push(' []');
    const inner = root ? '' : `${indent}  `;
    for (const item of value) writeItem(item, inner, out);
  } else if (typeof value === 'object' && value !== null) {
    const map = value as { readonly [key: string]: YamlValue };
    const keys = Object.keys(map).sort(compareKeys);
    if (keys.length === 0) out.push(' {}');
    const inner = root ? '' : `${indent}  `;
    for (const key of keys) {
      out.push('\n', inner);
      writeEntry(key, map[key]!, inner, out);
    }
  } else out.push(' ', scalarText(value as null | boolean | number | string, `${indent}  `, false));
}

function writeEntry(key: string, value: YamlValue, indent: string, out: string[]): void {
  // Long keys and keys of several lines are written out with a question mark.
  if (encoder.encode(key).length > 128 || key.includes('\n'))
    out.push('? ', scalarText(key, `${indent}  `, false), '\n', indent, ':');
  else out.push(scalarText(key, indent, true), ':');
  writeNode(value, indent, out, false);
}

function writeItem(item: YamlValue, indent: string, out: string[]): void {
  out.push('\n', indent, '-');
  if (typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item).length > 0) {
    const map = item as { readonly [key: string]: YamlValue };
    Object.keys(map)
      .sort(compareKeys)
      .forEach((key, i) => {
        out.push(i === 0 ? ' ' : `\n${indent}  `);
        writeEntry(key, map[key]!, `${indent}  `, out);
      });
  } else writeNode(item, indent, out, false);
}

function scalarText(value: null | boolean | number | string, indent: string, key: boolean): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return floatText(value);
  return stringText(value, indent, key);
}

/** Go's shortest %g. */
function floatText(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 21 && Math.abs(power) < 6) return String(value);
  const sign = power < 0 ? '-' : '+';
  return power < -4 || power >= 6 ? `${digits}e${sign}${String(Math.abs(power)).padStart(2, '0')}` : String(value);
}

const oldBools = /^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

function stringText(text: string, indent: string, key: boolean): string {
  const form = analyse(text);
  if (text.includes('\n')) return form.block && !key ? literal(text, indent) : doubleQuoted(text);
  const plain = ['!!str', '!!merge'].includes(resolveScalar('', text)[0]) && !oldBools.test(text) && !base60.test(text);
  if (!plain) return doubleQuoted(text);
  if (form.plain && !(key && text === '')) return text;
  return form.single ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text);
}

function isPrintable(c: string): boolean {
  const code = c.codePointAt(0)!;
  return (
    code === 0x0a ||
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff) ||
    code >= 0x10000
  );
}

const isBreak = (c: string | undefined): boolean =>
  c === '\n' || c === '\r' || c === '\u0085' || c === '\u2028' || c === '\u2029';

/** Which styles can hold a text. */
function analyse(text: string): { plain: boolean; single: boolean; block: boolean } {
  if (text === '') return { plain: true, single: true, block: false };
  const chars = [...text];
  let indicators = text.startsWith('---') || text.startsWith('...');
  let breaks = false;
  let special = false;
  let tabs = false;
  let spaceBreak = false;
  let breakSpace = false;
  chars.forEach((c, i) => {
    const before = chars[i - 1];
    const after = chars[i + 1];
    const spaceAfter = after === undefined || after === ' ' || after === '\t';
    const spaceBefore = before === undefined || before === ' ' || before === '\t' || isBreak(before);
    if (i === 0) {
      if ('#,[]{}&*!|>\'"%@`'.includes(c)) indicators = true;
      if ((c === '?' || c === ':' || c === '-') && spaceAfter) indicators = true;
    } else if ((c === ':' && spaceAfter) || (c === '#' && spaceBefore)) indicators = true;
    if (c === '\t') tabs = true;
    else if (!isPrintable(c)) special = true;
    if (c === ' ' && isBreak(before)) breakSpace = true;
    if (isBreak(c)) {
      breaks = true;
      if (before === ' ') spaceBreak = true;
    }
  });
  const first = chars[0]!;
  const last = chars.at(-1)!;
  const edge = first === ' ' || last === ' ' || isBreak(first) || isBreak(last);
  return {
    plain: !(edge || breakSpace || spaceBreak || tabs || special || breaks || indicators),
    single: !(breakSpace || spaceBreak || tabs || special),
    block: !(last === ' ' || spaceBreak || special),
  };
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(text: string): string {
  let out = '"';
  for (const c of text) {
    if (isPrintable(c) && !isBreak(c) && c !== '"' && c !== '\\') {
      out += c;
      continue;
    }
    const code = c.codePointAt(0)!;
    const hex = code.toString(16).toUpperCase();
    out +=
      escapes[c] ??
      (code <= 0xff
        ? `\\x${hex.padStart(2, '0')}`
        : code <= 0xffff
          ? `\\u${hex.padStart(4, '0')}`
          : `\\U${hex.padStart(8, '0')}`);
  }
  return `${out}"`;
}

function literal(text: string, indent: string): string {
  const hint = /^[ \n\r\u0085\u2028\u2029]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const lines = body.split('\n');
  // A leading line break is lost in the one that ends the header, as in the original.
  if (lines[0] === '') lines.shift();
  return `|${hint}${chomp}${lines.map((line) => (line === '' ? '\n' : `\n${indent}${line}`)).join('')}`;
}

/** Natural order: letters after other characters, runs of digits by value. */
export function compareKeys(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  let digits = false;
  for (let i = 0; i < x.length && i < y.length; i++) {
    const [p, q] = [x[i]!, y[i]!];
    if (p === q) {
      digits = isDigit(p);
      continue;
    }
    const [pLetter, qLetter] = [isLetter(p), isLetter(q)];
    if (pLetter && qLetter) return order(p, q);
    if (pLetter || qLetter) return (digits ? pLetter : qLetter) ? -1 : 1;
    return compareNumbers(x, y, i);
  }
  return x.length - y.length;
}

function compareNumbers(x: readonly string[], y: readonly string[], at: number): number {
  let lead = 0n;
  if (x[at] === '0' || y[at] === '0')
    for (let j = at - 1; j >= 0 && isDigit(x[j]!); j--)
      if (x[j] !== '0') {
        lead = 1n;
        break;
      }
  const run = (chars: readonly string[]): { value: bigint; end: number } => {
    let value = lead;
    let end = at;
    for (; end < chars.length && isDigit(chars[end]!); end++)
      value = BigInt.asIntN(64, value * 10n + BigInt(chars[end]!.codePointAt(0)! - 48));
    return { value, end };
  };
  const [p, q] = [run(x), run(y)];
  if (p.value !== q.value) return p.value < q.value ? -1 : 1;
  if (p.end !== q.end) return p.end - q.end;
  return order(x[at]!, y[at]!);
}

const isDigit = (c: string): boolean => /^\p{Nd}$/u.test(c);
const isLetter = (c: string): boolean => /^\p{L}$/u.test(c);
const order = (a: string, b: string): number => a.codePointAt(0)! - b.codePointAt(0)!;
