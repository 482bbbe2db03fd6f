import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packageElements } from '../src/repodata/xml-scanner.ts';

function elements(pieces: Iterable<Uint8Array>, limit?: number): string[] {
  return [...packageElements(pieces, 'x.xml', () => {}, limit)].map((element) => element.toString());
}

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const piece = fc.constantFrom(
  '<a/>',
  'text',
  '<!-- </package> -->',
  '<![CDATA[</package><!--]]>',
  '<!---->',
  '<![CDATA[]]>',
);

test('elements are the same however the document comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(piece, { maxLength: 5 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      (contents, sizes) => {
        const whole = contents.map((content) => `<package>${content.join('')}</package>`);
        const bytes = Buffer.from(`<m>${whole.join('\n')}</m>`);
        const found = elements(cut(bytes, sizes)).map((text) => text.trim());
        expect(found).toEqual(whole);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

// Where it does not, this takes minutes.
test('closing tags without number in a comment, and an element in many pieces, take time in proportion', () => {
  const hidden = Buffer.from(`<m><package><!--${'</package>'.repeat(400_000)}--></package></m>`);
  expect(elements(cut(hidden, [16384])).length).toBe(1);
  expect(elements([hidden]).length).toBe(1);
  expect(() => elements(cut(Buffer.alloc(9_000_000, 0x20), [4096]), 8_000_000)).toThrow(
    'x.xml: element is larger than',
  );
  expect(() => elements([Buffer.from(`<m><package>${' '.repeat(1000)}</package></m>`)], 1000)).toThrow('larger than');
});

test('a document must be whole, also one without elements', () => {
  for (const whole of [
    '<m></m>',
    '<m n="0"/>',
    '<m>\n</m>\n<!-- a --><!-- b -->\n',
    '<m><package/></m>',
    '<m><!-- </m> --></m>',
  ])
    expect(elements([Buffer.from(whole)]), whole).toEqual([]);
  for (const cut of ['<m>', '<m', '<m></m', '<m></m>x', '<m></m><!--', '<m><package><!--', '<m><!-- </m>'])
    expect(() => elements([Buffer.from(cut)]), cut).toThrow('x.xml: unexpected end of document');
  const many = `<m><package></package></m>${'<!---->'.repeat(100_000)}`;
  expect(elements([Buffer.from(many)])).toEqual(['<package></package>']);
  expect(() => elements([Buffer.from(`${many}x`)])).toThrow('unexpected end');
  expect(() => elements([Buffer.from(`<m>${'<!--'.repeat(400_000)}`)])).toThrow('unexpected end');
});
