// Calls and answers of XML-RPC (xmlrpc.com/spec), as far as build services use it: integers, strings, booleans, arrays, structs.
import { CoppiceError, prefixError } from '@coppice/base';
import { parseXml, type XmlElement } from '@coppice/rpm';

export type RpcValue = null | boolean | number | string | readonly RpcValue[] | { readonly [member: string]: RpcValue };

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A call with integers and strings as arguments. */
export function encodeCall(method: string, args: readonly (number | string)[]): string {
  const params = args.map((arg) => {
    const value = typeof arg === 'number' ? `<int>${arg}</int>` : `<string>${escaped(arg)}</string>`;
    return `<param><value>${value}</value></param>`;
  });
  return `<?xml version="1.0"?><methodCall><methodName>${escaped(method)}</methodName><params>${params.join('')}</params></methodCall>`;
}

function integer(text: string): number {
  const number = Number(text.trim());
  if (!/^[+-]?\d+$/.test(text.trim()) || !Number.isSafeInteger(number))
    throw new CoppiceError('Invalid', `bad integer: ${text.slice(0, 40)}`);
  return number;
}

function decodeStruct(element: XmlElement): RpcValue {
  const out = new Map<string, RpcValue>();
  for (const member of element.all('member')) {
    const name = member.child('name');
    const value = member.child('value');
    if (name === undefined || value === undefined) throw new CoppiceError('Invalid', 'member without name or value');
    out.set(name.text, decodeValue(value));
  }
  return Object.fromEntries(out);
}

function decodeValue(value: XmlElement): RpcValue {
  const [typed] = value.children;
  if (typed === undefined) return value.text;
  switch (typed.name) {
    case 'int':
    case 'i4':
    case 'i8':
      return integer(typed.text);
    case 'string':
    case 'dateTime.iso8601':
    case 'base64':
      return typed.text;
    case 'boolean':
      return typed.text.trim() === '1';
    case 'double':
      return Number(typed.text);
    case 'nil':
      return null;
    case 'array':
      return (typed.child('data')?.all('value') ?? []).map(decodeValue);
    case 'struct':
      return decodeStruct(typed);
    default:
      throw new CoppiceError('Invalid', `unknown type '${typed.name}'`);
  }
}

/** The value that a call gave. Throws `Invalid` for what is no answer, `Process` with the server's text for a fault. */
export function decodeResponse(bytes: Uint8Array, what: string): RpcValue {
  const root = parseXml(bytes, what);
  if (root.name !== 'methodResponse') throw new CoppiceError('Invalid', `${what}: not an answer of XML-RPC`);
  const fault = root.child('fault')?.child('value');
  const value = root.child('params')?.child('param')?.child('value');
  try {
    if (fault !== undefined) {
      const said = decodeValue(fault) as { readonly faultString?: RpcValue };
      throw new CoppiceError('Process', String(said.faultString ?? 'unknown fault'));
    }
    if (value === undefined) throw new CoppiceError('Invalid', 'answer without a value');
    return decodeValue(value);
  } catch (error) {
    throw prefixError(error, what);
  }
}
