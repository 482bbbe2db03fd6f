// A capability as written on a command line: `name`, `name >= evr`, a path, or a rich dependency.
import { type Dependency, senseOf } from './dependency.ts';
import { parseRichDependency, type RichDependency } from './rich.ts';

/**
 * Reads `NAME [OP EVR]` as libdnf's dependency splitter does (name without blanks or operators, EVR without blanks);
 * `undefined` when the text has no such shape.
 */
export function parseCapability(text: string): Dependency | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const m = /^([^\s<=>]+)(?:\s*(<=|>=|=<|=>|==|<|>|=)\s*([^\s<=>]+))?$/.exec(trimmed);
  if (m === null) return undefined;
  if (m[2] === undefined) return { name: m[1]!, flags: 0, evr: '' };
  return { name: m[1]!, flags: senseOf(m[2])!, evr: m[3]! };
}

/** Any dependency text: rich when it starts with a parenthesis. Throws `Invalid` on a malformed rich one; a name that fits nothing is taken whole. */
export function parseDependencyText(text: string): RichDependency {
  if (text.startsWith('(')) return parseRichDependency(text);
  return parseCapability(text) ?? { name: text, flags: 0, evr: '' };
}
