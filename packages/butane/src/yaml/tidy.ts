// YAML for people: keys in the given order, octal modes, texts of several lines as literal blocks.

export interface Octal {
  readonly octal: number;
}
export type TidyValue = string | number | bigint | boolean | Octal | readonly TidyValue[] | TidyMap;
/** A mapping in the order of its entries. */
export type TidyMap = ReadonlyMap<string, TidyValue>;

/** A document with a final newline. */
export function writeTidyYaml(root: TidyMap): string {
  const out: string[] = [];
  writeMap(root, '', out, '');
  return out.join('');
}

function isMap(value: TidyValue): value is TidyMap {
  return value instanceof Map;
}

/** Writes a mapping's lines; the first one starts with `lead` in place of the indentation. */
function writeMap(map: TidyMap, indent: string, out: string[], lead: string): void {
  let start = lead;
  for (const [key, value] of map) {
    out.push(start, scalar(key), ':');
    start = indent;
    writeBehind(value, indent, out);
  }
}

/** Writes what stands behind `key:`. */
function writeBehind(value: TidyValue, indent: string, out: string[]): void {
  if (Array.isArray(value)) {
    if (value.length === 0) out.push(' []\n');
    else {
      out.push('\n');
      for (const item of value as readonly TidyValue[]) {
        out.push(indent, '  -');
        if (isMap(item) && item.size > 0) writeMap(item, `${indent}    `, out, ' ');
        else writeBehind(item, `${indent}  `, out);
      }
    }
  } else if (isMap(value)) {
    if (value.size === 0) out.push(' {}\n');
    else {
      out.push('\n');
      writeMap(value, `${indent}  `, out, `${indent}  `);
    }
  } else if (typeof value === 'string') writeText(value, `${indent}  `, out);
  else if (typeof value === 'object') out.push(` 0${(value as Octal).octal.toString(8)}\n`);
  else out.push(` ${value}\n`);
}

// What YAML can hold as it is; the rest is escaped in quotes.
const unprintable =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function writeText(text: string, indent: string, out: string[]): void {
  if (!text.includes('\n') || /^[\s]/.test(text) || unprintable.test(text)) {
    out.push(' ', scalar(text), '\n');
    return;
  }
  out.push(text.endsWith('\n\n') ? ' |+\n' : text.endsWith('\n') ? ' |\n' : ' |-\n');
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) out.push(line === '' ? '' : indent, line, '\n');
}

// Words that YAML 1.1 or 1.2 readers take for something else than a text.
const taken = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;
const plain = /^[A-Za-z_/](?:[A-Za-z0-9_/.@+=,()$%~;!?*&<>-]|[: ](?=[A-Za-z0-9_/.@+=,$%-])|#(?=\S))*$/;

/** A text on one line, quoted when it has to be. */
function scalar(text: string): string {
  if (/^\d+\.\d+\.\d+(-[a-z]+)?$/.test(text)) return text;
  if (plain.test(text) && !taken.test(text) && !/: | #/.test(text)) return text;
  const quoted = JSON.stringify(text).replace(
    /[\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return quoted;
}
