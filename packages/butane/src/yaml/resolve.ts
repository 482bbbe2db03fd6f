import { YamlFault } from './fault.ts';

// What a plain scalar means (go-yaml v3's mix of YAML 1.1 and 1.2).

export type Tag = string;
export type Resolved = null | boolean | bigint | number | string;

const longPrefix = 'tag:yaml.org,2002:';

/** `!!str` for the long form of a standard tag. */
export function shortTag(tag: string): string {
  return tag.startsWith(longPrefix) ? `!!${tag.slice(longPrefix.length)}` : tag;
}

const words = new Map<string, [Tag, Resolved]>();
for (const word of ['', '~', 'null', 'Null', 'NULL']) words.set(word, ['!!null', null]);
for (const word of ['true', 'True', 'TRUE']) words.set(word, ['!!bool', true]);
for (const word of ['false', 'False', 'FALSE']) words.set(word, ['!!bool', false]);
for (const word of ['.nan', '.NaN', '.NAN']) words.set(word, ['!!float', Number.NaN]);
for (const word of ['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'])
  words.set(word, ['!!float', Number.POSITIVE_INFINITY]);
for (const word of ['-.inf', '-.Inf', '-.INF']) words.set(word, ['!!float', Number.NEGATIVE_INFINITY]);
words.set('<<', ['!!merge', '<<']);

const standardTags = new Set(['!!str', '!!bool', '!!int', '!!float', '!!null', '!!timestamp', '!!merge']);

const floatPattern = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/** Tag and value of a scalar text. With a tag of its own, throws `YamlFault` when the text is nothing of that kind. */
export function resolveScalar(written: string, text: string): [Tag, Resolved] {
  const tag = shortTag(written);
  if (tag !== '' && tag !== '!!binary' && !standardTags.has(tag)) return [tag, text];
  const [found, value] = tag === '!!str' || tag === '!!binary' ? (['!!str', text] as const) : guess(text, tag);
  if (tag === '' || tag === found || tag === '!!str') return [found, value];
  if (tag === '!!binary') return [tag, value];
  if (tag === '!!float' && found === '!!int') return [tag, Number(value)];
  throw new YamlFault(`cannot decode ${found} \`${text}\` as a ${tag}`);
}

function guess(text: string, tag: string): [Tag, Resolved] {
  const first = text[0];
  const word = words.get(text);
  if (word !== undefined) return word;
  if (first === '.')
    return floatPattern.test(text) && Number.isFinite(Number(text)) ? ['!!float', Number(text)] : ['!!str', text];
  if (first === undefined || !/[-+0-9]/.test(first)) return ['!!str', text];
  if ((tag === '' || tag === '!!timestamp') && isTimestamp(text)) return ['!!timestamp', text];
  const plain = text.replaceAll('_', '');
  const integer = parseInteger(plain);
  if (integer !== undefined) return ['!!int', integer];
  if (floatPattern.test(plain)) {
    const value = Number(plain);
    if (Number.isFinite(value)) return ['!!float', value];
  }
  return ['!!str', text];
}

const forms: readonly (readonly [RegExp, string])[] = [
  [/^0[xX]([0-9a-fA-F]+)$/, '0x'],
  [/^0[bB]([01]+)$/, '0b'],
  [/^0[oO]([0-7]+)$/, '0o'],
  [/^0([0-7]+)$/, '0o'],
  [/^(0|[1-9][0-9]*)$/, ''],
];

/** Go's ParseInt with base 0, then ParseUint. */
function parseInteger(text: string): bigint | undefined {
  const signed = text.startsWith('-') || text.startsWith('+');
  const digits = signed ? text.slice(1) : text;
  for (const [pattern, prefix] of forms) {
    const match = pattern.exec(digits);
    if (match === null) continue;
    if (match[1]!.replace(/^0+/, '').length > 64) return undefined;
    const magnitude = BigInt(prefix + match[1]!);
    const value = text.startsWith('-') ? -magnitude : magnitude;
    if (value < -(1n << 63n)) return undefined;
    return value < 1n << 63n || (!signed && value < 1n << 64n) ? value : undefined;
  }
  return undefined;
}

const timestampPattern =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(?:Z|([+-])(\d{2}):(\d{2})))|(?: (\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?))?$/;

function isTimestamp(text: string): boolean {
  const match = timestampPattern.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return false;
  const clock = [match[4] ?? match[10] ?? '0', match[5] ?? match[11] ?? '0', match[6] ?? match[12] ?? '0'].map(Number);
  if (clock[0]! > 23 || clock[1]! > 59 || clock[2]! > 59) return false;
  return match[7] === undefined || (Number(match[8]) <= 24 && Number(match[9]) < 60);
}
