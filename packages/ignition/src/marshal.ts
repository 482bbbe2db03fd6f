import type { FieldDef, StructDef } from './schema.ts';
import type { Fields, Value } from './value.ts';

// JSON text of a config as the original's encoder prints it: fields in order of declaration, zero values and structs that
// are zero throughout left out, HTML-sensitive characters escaped.

const needsEscape = /[\x00-\x1f"\\<>&\u2028\u2029\ud800-\udfff]/;
const short: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A JSON string as Go's encoder writes it. */
export function jsonString(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  const escaped = text.replace(
    /[\x00-\x1f"\\<>&\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    // A lone surrogate stands for a byte that is no UTF-8.
    (c) =>
      short[c] ?? (c >= '\ud800' && c <= '\udfff' ? '\\ufffd' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
  return `"${escaped}"`;
}

/** Whether Go's encoder leaves a struct out: all its fields are zero or left out. */
export function isZeroStruct(value: Fields, def: StructDef): boolean {
  return def.fields.every((field) => !(field.always && field.pointer) && isZero(value[field.name], field));
}

function isZero(value: Value, field: FieldDef): boolean {
  if (value === undefined) return true;
  if (field.list) return (value as readonly Value[]).length === 0;
  if (field.pointer) return false;
  if (field.kind === 'struct') return isZeroStruct(value as Fields, field.type!);
  if (field.kind === 'map') return Object.keys(value as Fields).length === 0;
  return value === '' || value === 0 || value === false;
}

interface Style {
  readonly indent: string;
}

/** JSON of a config, compact or with two spaces of indentation; no final newline. */
export function marshalConfig(value: Fields, schema: StructDef, pretty = false): string {
  const out: string[] = [];
  writeStruct(value, schema, out, pretty ? '\n' : '', { indent: pretty ? '  ' : '' });
  return out.join('');
}

function writeStruct(value: Fields, def: StructDef, out: string[], line: string, style: Style): void {
  const inner = line === '' ? '' : line + style.indent;
  let first = true;
  for (const field of def.fields) {
    const found = value[field.name];
    if (!field.always && isZero(found, field)) continue;
    out.push(first ? '{' : ',', inner, '"', field.name, line === '' ? '":' : '": ');
    first = false;
    writeField(found, field, out, inner, style);
  }
  out.push(first ? '{}' : `${line}}`);
}

function writeField(value: Value, field: FieldDef, out: string[], line: string, style: Style): void {
  if (field.list) {
    if (value === undefined) {
      out.push('null');
      return;
    }
    const items = value as readonly Value[];
    if (items.length === 0) {
      out.push('[]');
      return;
    }
    const inner = line === '' ? '' : line + style.indent;
    items.forEach((item, i) => {
      out.push(i === 0 ? '[' : ',', inner);
      writeItem(item, field, out, inner, style);
    });
    out.push(line, ']');
  } else writeItem(value, field, out, line, style);
}

function writeItem(value: Value, field: FieldDef, out: string[], line: string, style: Style): void {
  if (value === undefined && field.pointer) {
    out.push('null');
    return;
  }
  if (field.kind === 'struct') writeStruct((value ?? {}) as Fields, field.type!, out, line, style);
  else if (field.kind === 'string') out.push(jsonString((value ?? '') as string));
  else if (field.kind === 'map') writeMap((value ?? {}) as Fields, out, line, style);
  else out.push(String(value ?? (field.kind === 'bool' ? false : 0)));
}

function writeMap(value: Fields, out: string[], line: string, style: Style): void {
  const inner = line === '' ? '' : line + style.indent;
  const keys = Object.keys(value).sort();
  keys.forEach((key, i) => {
    out.push(i === 0 ? '{' : ',', inner, jsonString(key), line === '' ? ':' : ': ', jsonString(String(value[key])));
  });
  out.push(keys.length === 0 ? '{}' : `${line}}`);
}
