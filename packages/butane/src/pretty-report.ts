import { type Entry, entryLine, pathText } from '@coppice/ignition';
import { looseText, rawBytes } from './text-bytes.ts';

const colors = { error: '\x1b[1;31m', warning: '\x1b[1;33m', info: '\x1b[1;36m', frame: '\x1b[1;34m' } as const;
const reset = '\x1b[0m';

/** Lines shown before and behind the one in question. */
const around = 2;

/** Characters of a report: lines of the source are shown for each finding, and they can be long. */
const maxText = 1 << 24;

/** Findings as the original prints them below the source they are about; `name` is the file's. */
export function prettyReport(entries: readonly Entry[], name: string, source: Uint8Array, color: boolean): string {
  const lines = new Lines(source);
  const parts: string[] = [];
  let length = 0;
  for (const [i, entry] of entries.entries()) {
    // Long lines are not put together only to be left out.
    const part = shownBytes(entry, lines) > maxText ? `${entryLine(entry)}\n` : prettyEntry(entry, name, lines, color);
    length += part.length;
    if (i > 0 && length > maxText) {
      parts.push(`${entries.length - i} more findings are left out\n`);
      break;
    }
    parts.push(part);
  }
  return parts.join('\n');
}

function shownBytes(entry: Entry, lines: Lines): number {
  let bytes = 0;
  const at = entry.position?.line ?? 0;
  for (let n = at - around; n <= at + around; n++) bytes += lines.at(n)?.length ?? 0;
  return bytes;
}

/** One line per finding. */
export function plainReport(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entryLine(entry)}\n`).join('');
}

/** The lines of a source by number, cut out when they are asked for. */
class Lines {
  readonly #source: Uint8Array;
  readonly #starts: Uint32Array;
  readonly length: number;

  constructor(source: Uint8Array) {
    let count = 1;
    for (let at = source.indexOf(10); at >= 0; at = source.indexOf(10, at + 1)) count++;
    this.#source = source;
    this.#starts = new Uint32Array(count);
    for (let n = 1, at = source.indexOf(10); at >= 0; at = source.indexOf(10, at + 1)) this.#starts[n++] = at + 1;
    this.length = count;
  }

  /** Line `number`, from 1, without its end; undefined when there is none. */
  at(number: number): Uint8Array | undefined {
    const start = this.#starts[number - 1];
    if (start === undefined) return undefined;
    const next = this.#starts[number];
    return this.#source.subarray(start, next === undefined ? this.#source.length : next - 1);
  }
}

function prettyEntry(entry: Entry, name: string, lines: Lines, color: boolean): string {
  const at = entry.position;
  const line = at === undefined ? undefined : lines.at(at.line);
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
    out += ` ${paint(String(n).padStart(width), colors.frame)} | ${looseText(lines.at(n)!)}\n`;
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
