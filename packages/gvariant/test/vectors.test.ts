import { createHash } from 'node:crypto';
import { fromHex, toHex } from '@coppice/base';
import { decode, encode, hashTableOrder, isNormalForm, type Value, Variant, VariantDict } from '@coppice/gvariant';
import { describe, expect, it } from 'vitest';

// Bytes taken from GLib 2.74 and from objects written by ostree 2022.7.
const vectors: [string, Value, string][] = [
  ['()', [], '00'],
  ['(uy)', [2, 1], '0200000001000000'],
  ['(yu)', [1, 2], '0100000002000000'],
  ['mu', 5, '05000000'],
  ['mu', null, ''],
  ['ms', 'ab', '61620000'],
  ['v', Variant.uint32(7), '070000000075'],
  ['as', ['a', 'bcd'], '6100626364000206'],
  ['(ayay)', [Uint8Array.of(1, 2), Uint8Array.of(3)], '01020302'],
  ['(sst)', ['a', 'b', 5n], '610062000000000005000000000000000402'],
  ['(sy)', ['ab', 1], '6162000103'],
  ['a{sv}', new VariantDict([['k', Variant.string('v')]]), '6b000000000000007600007302'.concat('0d')],
];

describe('serialization', () => {
  it.each(vectors)('%s', (type, value, hex) => {
    expect(toHex(encode(type, value))).toBe(hex);
    expect(toHex(encode(type, decode(type, fromHex(hex))))).toBe(hex);
    expect(isNormalForm(type, fromHex(hex))).toBe(true);
  });

  it('picks the smallest offset width', () => {
    expect(encode('as', ['x'.repeat(253)]).length).toBe(255);
    expect(encode('as', ['x'.repeat(254)]).length).toBe(257);
  });

  it('encodes the root dirtree of the golden commit', () => {
    const file = (name: string, sum: string): Value => [name, fromHex(sum)];
    const tree: Value = [
      [
        file('a.txt', 'fbf7cf77a1b50d9f074cb6e9ef6ddb65b6532ea89e4f4ca1b07a05b4cd1be259'),
        file('empty', 'cc700d46f407c6c5ab2d5dde474366a928b7398277e61162e7f8ec06f469f07e'),
        file('lnk', 'f379a4b359f3e8deb971eef3e40a492fec37696c0169a600789f0bc62c43b535'),
      ],
      [
        [
          'd',
          fromHex('be7268c5b7c19aa21cc7c9a0df3b28b4741d044687d44b141a0365fcca2f3794'),
          fromHex('446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488'),
        ],
      ],
    ];
    const bytes = encode('(a(say)a(sayay))', tree);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '1f9546e3695e72791b82932d9ad1159665914924c0ffe092a0bc27c087c6628d',
    );
  });
});

it('iterates a hash table as GLib does', () => {
  expect(hashTableOrder(['version', 'foo', 'ostree.ref-binding', 'ostree.composefs.digest.v0'])).toEqual([
    'ostree.composefs.digest.v0',
    'version',
    'ostree.ref-binding',
    'foo',
  ]);
});
