import { CoppiceError } from '@coppice/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ByteOrder,
  type DBusMessage,
  type DBusValue,
  DBusVariant,
  decodeMessage,
  encodeMessage,
  isBusName,
  isInterfaceName,
  isMemberName,
  isObjectPath,
  MessageFraming,
  marshal,
  matches,
  matchRuleText,
  parseAddresses,
  parseSignature,
  unmarshal,
} from '../src/index.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex'));

/** A type with a value of it. */
interface Typed {
  readonly signature: string;
  readonly value: DBusValue;
}
const typed = (signature: string, value: fc.Arbitrary<DBusValue>): fc.Arbitrary<Typed> =>
  value.map((v) => ({ signature, value: v }));
const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0') && s.isWellFormed());
const basic: fc.Arbitrary<Typed> = fc.oneof(
  typed('y', fc.integer({ min: 0, max: 255 })),
  typed('b', fc.boolean()),
  typed('n', fc.integer({ min: -32768, max: 32767 })),
  typed('q', fc.integer({ min: 0, max: 65535 })),
  typed('i', fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  typed('u', fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  typed('x', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  typed('t', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  typed('d', fc.double({ noNaN: true })),
  typed('s', text),
  typed(
    'o',
    fc.array(fc.stringMatching(/^\w+$/), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
  ),
  typed('g', fc.constantFrom('', 's', 'a{sv}', '(iu)', 'aay')),
);
const { any } = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    basic,
    typed('ay', fc.uint8Array()),
    tie('any').map(({ signature, value }) => ({ signature: 'v', value: new DBusVariant(signature, value) })),
    // Elements of one type are the same value several times over.
    fc
      .tuple(tie('any'), fc.nat(4))
      .map(([{ signature, value }, n]) =>
        signature === 'y'
          ? { signature: 'ay', value: new Uint8Array(n).fill(value as number) }
          : { signature: `a${signature}`, value: new Array<DBusValue>(n).fill(value) },
      ),
    fc.tuple(text, tie('any')).map(([key, { signature, value }]) => ({
      signature: `a{s${signature}}`,
      value: new Map<DBusValue, DBusValue>([[key, value]]),
    })),
    fc.array(tie('any'), { minLength: 1, maxLength: 4 }).map((fields) => ({
      signature: `(${fields.map((field) => field.signature).join('')})`,
      value: fields.map((field) => field.value),
    })),
  ),
}));
const order = fc.constantFrom<ByteOrder>('little', 'big');

describe('values', () => {
  test('what is written is read again, in both byte orders', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 4 }), order, (values, endian) => {
        const signature = values.map((v) => v.signature).join('');
        fc.pre(signature.length <= 255);
        const list = values.map((v) => v.value);
        expect(unmarshal(signature, marshal(signature, list, endian), endian)).toEqual(list);
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test('bytes of the examples in the specification', () => {
    expect(hex(marshal('sos', ['foo', '/', '+']))).toBe('03000000666f6f00010000002f000000010000002b00');
    expect(hex(marshal('ax', [[5n]], 'big'))).toBe('00000008000000000000000000000005');
    expect(hex(marshal('v', [new DBusVariant('u', 7)]))).toBe('0175000007000000');
    expect(hex(marshal('a{sv}', [[]]))).toBe('0000000000000000');
    expect(hex(marshal('yt', [1, 2]))).toBe('01000000000000000200000000000000');
  });

  test('any bytes are a value or malformed', () => {
    fc.assert(
      fc.property(any, fc.uint8Array({ maxLength: 64 }), order, ({ signature }, noise, endian) => {
        try {
          unmarshal(signature, noise, endian);
        } catch (error) {
          expect(error).toBeInstanceOf(CoppiceError);
          expect((error as CoppiceError).code).toBe('Invalid');
        }
      }),
      { seed: 6, numRuns: 1000 },
    );
  });

  test.each([
    ['a boolean of 2', 'b', '02000000'],
    ['padding that is not zero', 'yu', '01 000100 00000000'],
    ['text without its end', 's', '03000000 666f6f'],
    ['text with a zero byte', 's', '03000000 660066 00'],
    ['text that is not UTF-8', 's', '02000000 c080 00'],
    ['a path with an empty part', 'o', '03000000 2f612f 00'],
    ['an array larger than what there is', 'au', 'ffffff03'],
    ['an array larger than allowed', 'ay', '01000004'],
    ['an element across the end of its array', 'as', '06000000 03000000 666f6f00'],
    ['a variant of two types', 'v', '02 6969 00 00000000 00000000'],
    ['a variant without a type', 'v', '00 00'],
    ['bytes that are left over', 'y', '0101'],
  ])('refuses %s', (_name, signature, input) => {
    expect(() => unmarshal(signature, bytes(input))).toThrow(/^D-Bus/);
  });

  test('refuses levels without end', () => {
    const deep = Buffer.concat([Buffer.from('\x01v\0'.repeat(100)), Buffer.from('\x01y\0\x01')]);
    expect(() => unmarshal('v', deep)).toThrow('too many levels');
    let value: DBusVariant = new DBusVariant('y', 1);
    for (let i = 0; i < 100; i++) value = new DBusVariant('v', value);
    expect(() => marshal('v', [value])).toThrow('too many levels');
  });

  test.each<[string, DBusValue]>([
    ['y', 256],
    ['i', 2.5],
    ['u', -1],
    ['t', 2n ** 64n],
    ['s', 'a\0b'],
    ['s', '\ud800'],
    ['o', 'relative'],
    ['g', '('],
    ['b', 1],
    ['v', 1],
    ['as', 'text'],
    ['(ii)', [1]],
  ])('does not write %s of a value that does not fit (%#)', (signature, value) => {
    expect(() => marshal(signature, [value])).toThrow(CoppiceError);
  });
});

test('signatures', () => {
  for (const good of ['', 'ybnqiuxtdsogvh', 'aai', 'a{s(iv)}', '((((y))))', `${'a'.repeat(32)}y`])
    expect(parseSignature(good)).toBeDefined();
  const deep = `${'('.repeat(33)}y${')'.repeat(33)}`;
  for (const bad of [
    'a',
    '(',
    ')',
    '()',
    'a{s}',
    'a{sss}',
    'a{vs}',
    '{ss}',
    'z',
    `${'a'.repeat(33)}y`,
    deep,
    'y'.repeat(256),
  ])
    expect(() => parseSignature(bad), bad).toThrow(CoppiceError);
});

test('names', () => {
  expect([':1.42', 'org.example', 'a-b.c'].every(isBusName)).toBe(true);
  expect(['', 'org', 'org..x', '1.2', '.org.x', 'org.x.', `a.${'b'.repeat(255)}`].some(isBusName)).toBe(false);
  expect([isInterfaceName('a.b'), isInterfaceName('a'), isInterfaceName('a.1'), isInterfaceName('a.b-c')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect([isMemberName('Go'), isMemberName('a.b'), isMemberName(''), isMemberName('1')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(['/', '/a/b_1'].every(isObjectPath)).toBe(true);
  expect(['', 'a', '/a/', '//', '/a-b', '/a\n'].some(isObjectPath)).toBe(false);
});

const message: DBusMessage = {
  type: 'call',
  serial: 7,
  path: '/a/b',
  interface: 'org.example.Thing',
  member: 'Do',
  destination: 'org.example.Name',
  signature: 'su',
  body: ['text', 5],
};

describe('messages', () => {
  test.each<[ByteOrder]>([['little'], ['big']])('what is written is read again, %s endian', (endian) => {
    expect(decodeMessage(encodeMessage(message, endian))).toEqual(message);
    const error: DBusMessage = {
      type: 'error',
      serial: 9,
      errorName: 'a.b',
      replySerial: 7,
      sender: ':1.2',
      signature: '',
      body: [],
    };
    expect(decodeMessage(encodeMessage(error, endian))).toEqual(error);
  });

  test('come whole out of a stream that is cut anywhere', () => {
    const stream = Buffer.concat([
      encodeMessage(message),
      encodeMessage(message, 'big'),
      encodeMessage({ ...message, noReply: true }),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const framing = new MessageFraming(1024);
        const at = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
        const out: DBusMessage[] = [];
        for (let i = 1; i < at.length; i++) out.push(...framing.push(stream.subarray(at[i - 1], at[i])));
        expect(out).toEqual([message, message, { ...message, noReply: true }]);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  test('a changed byte gives another message or an error of ours', () => {
    const good = encodeMessage(message);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const bad = Uint8Array.from(good);
        bad[at]! ^= by;
        try {
          decodeMessage(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(CoppiceError);
        }
      }),
      { seed: 8, numRuns: 2000 },
    );
  });

  test('of a type that is not known are passed over', () => {
    const unknown = encodeMessage(message);
    unknown[1] = 5;
    expect([...new MessageFraming(1024).push(unknown)]).toEqual([]);
  });

  test.each<[string, (good: Uint8Array) => void]>([
    ['another version', (m) => m.fill(2, 3, 4)],
    ['neither byte order', (m) => m.fill(0x78, 0, 1)],
    ['serial 0', (m) => m.fill(0, 8, 12)],
    ['type 0', (m) => m.fill(0, 1, 2)],
  ])('refuses %s', (_name, spoil) => {
    const bad = encodeMessage(message);
    spoil(bad);
    expect(() => decodeMessage(bad)).toThrow(/^D-Bus message/);
  });

  test('refuses sizes beyond the bounds before anything is kept for them', () => {
    const large = encodeMessage(message).slice(0, 16);
    new DataView(large.buffer).setUint32(4, 2 ** 31, true);
    expect(() => [...new MessageFraming(2 ** 27).push(large)]).toThrow('D-Bus message of');
    new DataView(large.buffer).setUint32(4, 2000, true);
    expect(() => [...new MessageFraming(1024).push(large)]).toThrow('more than 1024');
  });

  test('refuses what cannot be sent', () => {
    for (const change of [
      { member: 'a.b' },
      { interface: 'x' },
      { destination: '1.2' },
      { serial: 0 },
      { signature: 's' },
    ])
      expect(() => encodeMessage({ ...message, ...change })).toThrow(CoppiceError);
    const { member: _, ...without } = message;
    expect(() => encodeMessage(without)).toThrow('call without member');
  });
});

test('match rules', () => {
  expect(matchRuleText({ type: 'signal', path: '/a', arg0: "it's" })).toBe("type='signal',path='/a',arg0='it'\\''s'");
  const signal: DBusMessage = { ...message, type: 'signal', sender: ':1.1' };
  expect(matches({ type: 'signal', interface: 'org.example.Thing', arg0: 'text', pathNamespace: '/a' }, signal)).toBe(
    true,
  );
  const others = [
    { member: 'No' },
    { path: '/a' },
    { sender: ':1.2' },
    { arg0: 'x' },
    { pathNamespace: '/a/bc' },
    { type: 'error' },
  ] as const;
  for (const rule of others) expect(matches(rule, signal)).toBe(false);
});

test('addresses', () => {
  const [first, second] = parseAddresses('unix:path=/a%20b,guid=00;tcp:host=h,port=1');
  expect([first!.transport, first!.keys.get('path'), second!.keys.get('port')]).toEqual(['unix', '/a b', '1']);
  for (const bad of ['', 'unix', ':a=b', 'unix:path', 'unix:a=1,a=2', 'unix:path=a b'])
    expect(() => parseAddresses(bad), bad).toThrow(CoppiceError);
});
