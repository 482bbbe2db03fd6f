/** A JSON value. Integers beyond 2^53 are given as bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };

/** Text as json-glib's pretty generator writes it: two spaces, `"key" : value`, empty containers as `[]` and `{}`. */
export function formatJsonGlib(value: Json, indent = 0): string {
  const pad = '  '.repeat(indent + 1);
  const close = '  '.repeat(indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((v: Json) => pad + formatJsonGlib(v, indent + 1)).join(',\n')}\n${close}]`;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value as { readonly [key: string]: Json });
    if (entries.length === 0) return '{}';
    return `{\n${entries.map(([k, v]) => `${pad}${JSON.stringify(k)} : ${formatJsonGlib(v, indent + 1)}`).join(',\n')}\n${close}}`;
  }
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value);
}
