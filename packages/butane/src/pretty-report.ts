import { type Entry, entryLine, pathText } from '@coppice/ignition';
import { looseText, rawBytes } from './text-bytes.ts';

const colors = { error: '\x1b[1;31m', warning: '\x1b[1;33m', info: '\x1b[1;36m', frame: '\x1b[1;34m' } as const;
const reset = '\x1b[0m';

/** Lines shown before and behind the one in question. */
const around = 2;

/** Findings as the original prints them below the source they are about; `name` is the file's. */
export function prettyReport(entries: readonly Entry[], name: string, source: Uint8Array, color: boolean): string {
  const lines = splitLines(source);
  return entries.map((entry) => prettyEntry(entry, name, lines, color)).join('\n');
}

/** One line per finding. */
export function plainReport(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entryLine(entry)}\n`).join('');
}

function splitLines(source: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let at = source.indexOf(10); at >= 0; at = source.indexOf(10, from)) {
    lines.push(source.subarray(from, at));
    from = at + 1;
  }
  lines.push(source.subarray(from));
  return lines;
}

function prettyEntry(entry: Entry, name: string, lines: readonly Uint8Array[], color: boolean): string {
  const at = entry.position;
  const line = at === undefined ? undefined : lines[at.line - 1];
  if (at === undefined || line === undefined || at.column < 1 || at.column > line.length)
    return `${entryLine(entry)}\n`;
  const paint = (text: string, code: string): string => (color ? `${code}${text}${reset}` : text);
  const last = Math.min(lines.length, at.line + around);
  const width = String(last).length;
  const gutter = ` ${' '.repeat(width)} |`;
  const path = entry.path.length === 0 ? '' : `[${pathText(entry.path)}]`;
  let out = `${paint(entry.severity, colors[entry.severity])}${path}:\n`;
  out += `  ${paint('-->', colors.frame)} ${name}:${at.line}:${at.column}\n${gutter}\n`;
  for (let n = Math.max(1, at.line - around); n <= last; n++) {
    out += ` ${paint(String(n).padStart(width), colors.frame)} | ${looseText(lines[n - 1]!)}\n`;
    if (n !== at.line) continue;
    // Columns count characters, but the original takes them for bytes.
    const mark = '^'.repeat(wordLength(line.subarray(at.column - 1)));
    out += `${gutter} ${' '.repeat(at.column - 1)}${paint(mark, colors.frame)} ${entry.message}\n`;
  }
  return `${out}${gutter}\n`;
}

/** Bytes up to the next white space (Go's unicode.IsSpace). */
function wordLength(rest: Uint8Array): number {
  const text = looseText(rest);
  const space = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.exec(text);
  return space === null ? rest.length : rawBytes(text.slice(0, space.index)).length;
}
