// The JSONPath that json-glib understands, as far as scripts use it: $, .name, ['name'], [n], [a,b], [a:b], [*], .*, ..name.
import { CoppiceError } from '@coppice/base';
import type { Json } from '@coppice/rpm-ostree';

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function children(value: Json): Json[] {
  if (Array.isArray(value)) return [...value];
  return isObject(value) ? Object.values(value) : [];
}

function descendants(value: Json): Json[] {
  return [value, ...children(value).flatMap(descendants)];
}

function member(value: Json, name: string): Json[] {
  return isObject(value) && Object.hasOwn(value, name) ? [value[name]!] : [];
}

function elements(value: Json, text: string): Json[] {
  if (text === '*') return children(value);
  if (!Array.isArray(value)) return [];
  const at = (n: number): Json[] => {
    const found = value.at(n) as Json | undefined;
    return found === undefined ? [] : [found];
  };
  if (/^-?\d+(,-?\d+)*$/.test(text)) return text.split(',').flatMap((n) => at(Number(n)));
  const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(text);
  if (slice === null) throw new CoppiceError('Usage', `Failed to parse JSONPath: [${text}]`);
  const part = value.slice(slice[1] === '' ? 0 : Number(slice[1]), slice[2] === '' ? undefined : Number(slice[2]));
  const step = Number(slice[3] ?? 1);
  return part.filter((_, i) => i % step === 0);
}

/** All matches, as a list. Throws `Usage` for an expression it cannot read. */
export function selectJson(root: Json, expression: string): Json {
  if (!expression.startsWith('$'))
    throw new CoppiceError('Usage', 'Only one root node is allowed in a JSONPath expression');
  let nodes: Json[] = [root];
  let rest = expression.slice(1);
  while (rest !== '') {
    const deep = /^\.\.([A-Za-z_][\w-]*|\*)/.exec(rest);
    const name = /^\.([A-Za-z_][\w-]*|\*)/.exec(rest);
    const quoted = /^\['([^']*)'\]/.exec(rest) ?? /^\["([^"]*)"\]/.exec(rest);
    const index = /^\[([^\]]*)\]/.exec(rest);
    const match = deep ?? name ?? quoted ?? index;
    if (match === null) throw new CoppiceError('Usage', `Failed to parse JSONPath: ${rest}`);
    const word = match[1]!;
    if (deep !== null)
      nodes = nodes.flatMap(descendants).flatMap((n) => (word === '*' ? children(n) : member(n, word)));
    else if (name !== null) nodes = nodes.flatMap((n) => (word === '*' ? children(n) : member(n, word)));
    else if (quoted !== null) nodes = nodes.flatMap((n) => member(n, word));
    else nodes = nodes.flatMap((n) => elements(n, word));
    rest = rest.slice(match[0].length);
  }
  return nodes;
}
