import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fromHex, isCoppiceError, toHex } from '@coppice/base';
import {
  byteswap,
  decode,
  encode,
  GHashTable,
  isNormalForm,
  parseVariant,
  type Value,
  Variant,
} from '@coppice/gvariant';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const judge = join(import.meta.dirname, 'gvariant-judge.py');
const python = '/usr/bin/python3';
const present = spawnSync(python, ['-c', 'from gi.repository import GLib']).status === 0;

/** GLib's answers to a list of questions. */
function ask<T>(requests: readonly object[]): T[] {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('');
  const done = spawnSync(python, [judge], { input, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  if (done.status !== 0) throw new Error(done.stderr.toString());
  return done.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const basic = fc.constantFrom(...'bynqiuxtdsog'.split(''));
const { type: anyType } = fc.letrec<{ type: string }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    basic,
    fc.constant('v'),
    tie('type').map((t) => `a${t}`),
    tie('type').map((t) => `m${t}`),
    fc.array(tie('type'), { maxLength: 4 }).map((ts) => `(${ts.join('')})`),
    fc.tuple(basic, tie('type')).map(([k, v]) => `a{${k}${v}}`),
    fc.tuple(basic, tie('type')).map(([k, v]) => `{${k}${v}}`),
    fc.constant('ay'),
  ),
}));

// Characters that every Unicode version of the last decade agrees on.
const word = fc.string({
  unit: fc.constantFrom(...Array.from('ab \'"\\é\n\t\x01\x7f\u0085ßЖ字\u200b\u2028😀\u{e0001}')),
  maxLength: 12,
});
const leaf: Record<string, fc.Arbitrary<Value>> = {
  b: fc.boolean(),
  y: fc.integer({ min: 0, max: 255 }),
  n: fc.integer({ min: -0x8000, max: 0x7fff }),
  q: fc.integer({ min: 0, max: 0xffff }),
  i: fc.integer(),
  u: fc.integer({ min: 0, max: 0xffffffff }),
  x: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  t: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  d: fc.double({ noNaN: true }),
  s: word,
  o: fc.constantFrom('/', '/a', '/a_1/B'),
  g: fc.constantFrom('', 's', 'a{sv}', '(ii)x'),
};

function valueFor(type: string): fc.Arbitrary<Value> {
  if (leaf[type] !== undefined) return leaf[type];
  if (type === 'v') return basic.chain((t) => valueFor(t).map((value) => new Variant(t, value)));
  if (type === 'ay') return fc.uint8Array({ maxLength: 300 });
  const parts = members(type);
  if (type.startsWith('a')) return fc.array(valueFor(type.slice(1)), { maxLength: 5 });
  if (type.startsWith('m')) {
    const inner = type.slice(1);
    const wrap = (value: Value): Value => (inner.startsWith('m') ? [value] : value);
    return fc.oneof(fc.constant<Value>(null), valueFor(inner).map(wrap));
  }
  return fc.tuple(...parts.map(valueFor));
}

/** Types between the brackets of a tuple or entry. */
function members(type: string): string[] {
  const out: string[] = [];
  let start = 1;
  let depth = 0;
  for (let i = 1; i < type.length - 1; i++) {
    const c = type[i]!;
    if ('({'.includes(c)) depth++;
    else if (')}'.includes(c)) depth--;
    if (depth === 0 && !'am'.includes(c)) {
      out.push(type.slice(start, i + 1));
      start = i + 1;
    }
  }
  return out;
}

const typed = anyType.chain((type) => valueFor(type).map((value) => ({ type, value })));

interface ReadAnswer {
  normal: boolean;
  text: string;
  plain: string;
  again: string;
  swapped: string;
}

describe.skipIf(!present && process.env['CI'] !== 'true')('GVariant against GLib', () => {
  it('encodes, prints and byteswaps as GLib does', () => {
    const cases = fc.sample(typed, { seed: 1, numRuns: 1500 });
    const bytes = cases.map(({ type, value }) => encode(type, value));
    const answers = ask<ReadAnswer>(cases.map(({ type }, i) => ({ ask: 'read', type, hex: toHex(bytes[i]!) })));
    for (const [i, { type, value }] of cases.entries()) {
      const variant = new Variant(type, value);
      expect({ type, ...answers[i] }).toEqual({
        type,
        normal: true,
        text: variant.toString(),
        plain: variant.toString(false),
        again: toHex(bytes[i]!),
        swapped: byteswap(variant).toString(),
      });
      expect(isNormalForm(type, bytes[i]!)).toBe(true);
      expect(toHex(encode(type, decode(type, bytes[i]!)))).toBe(toHex(bytes[i]!));
    }
  });

  it('reads damaged bytes as GLib does', () => {
    const damaged = fc
      .tuple(
        typed,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(3),
      )
      .map(([{ type, value }, edits, cut]) => {
        const bytes = Uint8Array.from(encode(type, value));
        for (const [at, byte] of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return { type, bytes: bytes.subarray(0, Math.max(0, bytes.length - (cut === 3 ? 1 : 0))) };
      });
    const cases = fc.sample(damaged, { seed: 2, numRuns: 3000 });
    const answers = ask<ReadAnswer>(cases.map(({ type, bytes }) => ({ ask: 'read', type, hex: toHex(bytes) })));
    for (const [i, { type, bytes }] of cases.entries()) {
      const where = `${type} ${toHex(bytes)}`;
      expect(`${where}: ${isNormalForm(type, bytes)}`).toBe(`${where}: ${answers[i]!.normal}`);
      // GLib prints a NaN's sign; JavaScript has none.
      if (answers[i]!.text.includes('nan')) continue;
      expect(`${where}: ${Variant.decode(type, bytes).toString()}`).toBe(`${where}: ${answers[i]!.text}`);
    }
  });

  it('parses text as GLib does, errors included', () => {
    const texts = fc
      .sample(typed, { seed: 3, numRuns: 1000 })
      .map(({ type, value }) => new Variant(type, value).toString());
    const pieces = [
      '[',
      ']',
      '(',
      ')',
      '{',
      '}',
      '<',
      '>',
      ',',
      ':',
      ' ',
      '1',
      '-2',
      '0x1f',
      '3.5',
      '1e3',
      "'a'",
      '"b"',
      "b'c'",
      'true',
      'nothing',
      'just ',
      'uint32 ',
      'byte ',
      '@as ',
      '@mi ',
      '@ay ',
      'foo',
      'inf',
      "'\\u00e9'",
      '08',
      '99999999999',
    ];
    const noise = fc.sample(
      fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((list) => list.join('')),
      { seed: 4, numRuns: 4000 },
    );
    const all = [...texts, ...noise];
    const answers = ask<{ error?: string; type?: string; hex?: string }>(all.map((text) => ({ ask: 'parse', text })));
    const wrong: object[] = [];
    for (const [i, text] of all.entries()) {
      let got: { error?: string; type?: string; hex?: string };
      try {
        const variant = parseVariant(text);
        got = { type: variant.type, hex: toHex(variant.encode()) };
      } catch (error) {
        if (!isCoppiceError(error)) throw error;
        got = { error: error.message };
      }
      const want = answers[i]!;
      if (want.hex?.includes('f87f') && got.hex?.includes('f87f')) continue;
      if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push({ text, got, want });
    }
    expect(wrong.slice(0, 25)).toEqual([]);
  });

  it('iterates a GVariantDict as GLib does', () => {
    const key = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 });
    const cases = fc.sample(
      fc
        .tuple(fc.uniqueArray(key, { maxLength: 120 }), fc.nat())
        .map(([keys, n]) => ({ ask: 'dict', keys, remove: keys.filter((_, i) => n % (i + 2) === 0) })),
      { seed: 5, numRuns: 600 },
    );
    for (const [i, { keys }] of ask<{ keys: string[] }>(cases).entries()) {
      const table = new GHashTable<true>();
      for (const k of cases[i]!.keys) table.set(k, true);
      for (const k of cases[i]!.remove) table.delete(k);
      expect([...table.keys()]).toEqual(keys);
    }
  });

  it('knows the bytes it was given', () => {
    expect(decode('as', fromHex('6100626364000206'))).toEqual(['a', 'bcd']);
  });
});
