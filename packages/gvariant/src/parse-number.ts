import type { CoppiceError } from '@coppice/base';
import { type Place, textError } from './lexer.ts';

/** True for numbers that can only be doubles. */
export function isFloat(token: string): boolean {
  return token.includes('.') || /inf|nan/.test(token) || (!/^[+-]?0x/.test(token) && token.includes('e'));
}

const ranges: Readonly<Record<string, readonly [low: bigint, high: bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x80000000n, 0x7fffffffn],
  h: [-0x80000000n, 0x7fffffffn],
  u: [0n, 0xffffffffn],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

/** A number token as `type`; `wrong` makes the error when it cannot have that type. */
export function numberValue(token: string, place: Place, type: string, wrong: () => CoppiceError): number | bigint {
  if (type === 'd') return doubleValue(token, place);
  const range = ranges[type];
  const value = integerValue(token, place);
  if (range === undefined) throw wrong();
  if (value < range[0] || value > range[1]) throw textError(`number out of range for type '${type}'`, place);
  return type === 'x' || type === 't' ? value : Number(value);
}

function integerValue(token: string, place: Place): bigint {
  const digits = token.replace(/^[+-]/, '');
  const prefix = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)?/.exec(digits)![0];
  const octal = /^0[0-7]+$/.test(prefix);
  const size = BigInt(octal ? `0o${prefix.slice(1)}` : prefix);
  if (size >= 2n ** 64n) throw textError('integer too big for any type', place);
  checkEnd(token, token.length - digits.length + prefix.length, place);
  return token.startsWith('-') ? -size : size;
}

/** Throws unless the number's text was read to its end. */
function checkEnd(token: string, length: number, place: Place): void {
  if (length === token.length) return;
  const start = place.start + length;
  throw textError('invalid character in number', { start, end: start + 1 });
}

/** What strtod reads. */
const doubleForm =
  /^([+-]?)(?:(0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(infinity|inf)|(nan))/i;

function doubleValue(token: string, place: Place): number {
  const form = doubleForm.exec(token) ?? [''];
  const [, sign, hex, decimal, infinity] = form;
  const size =
    hex !== undefined
      ? hexDouble(hex)
      : decimal !== undefined
        ? Number(decimal)
        : infinity !== undefined
          ? Infinity
          : NaN;
  // strtod calls what it cannot hold exactly out of range, be it too large or (below the normal numbers) too small.
  const tiny = size < 2.2250738585072014e-308 && /[1-9]/.test((decimal ?? '').replace(/[eE].*/, ''));
  if (tiny || (size === Infinity && infinity === undefined)) throw textError('number too big for any type', place);
  checkEnd(token, form[0].length, place);
  return sign === '-' ? -size : size;
}

function hexDouble(text: string): number {
  const [mantissa, exponent = '0'] = text.slice(2).split(/[pP]/) as [string, string?];
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?];
  return Number.parseInt(`0${whole}${fraction}`, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
}
