import { KeyFile } from '@coppice/keyfile';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

// Expected texts come from GLib 2.74 (GLib.KeyFile through its introspection binding).
describe('parse and print', () => {
  it.each([
    [
      '# c\n[a]\nx=1\ny=2\n#z\nx=3\n[b]\n[c]\nk[de]=4\nk=5 \n  lead = a;b\\;c\n[a]\nz=9\n',
      '[a]\nx=1\ny=2\nx=3\nz=9\n\n[b]\n\n[c]\nk=5 \nlead=a;b\\;c\n',
    ],
    ['[a]\n k =1\n', '[a]\nk=1\n'],
    ['[a] \nk=1', '[a]\nk=1\n'],
    ['', ''],
    ['[a]\nk=1\r\n', '[a]\nk=1\n'],
    ['\n\n[a]\n\tk=1\n', '[a]\nk=1\n'],
    ['[a]\nk=\0b\n', '[a]\nk=\n'],
    ['[a]\n k b = \n', '[a]\nk b=\n'],
  ])('%j', (source, printed) => {
    expect(KeyFile.parse(source).toString()).toBe(printed);
  });

  it.each([
    ['x=1\n', 'Key file does not start with a group'],
    ['[a\n', 'Key file contains line “[a” which is not a key-value pair, group, or comment'],
    ['[]\n', 'Invalid group name: '],
    ['[a]\n=x\n', 'Key file contains line “=x” which is not a key-value pair, group, or comment'],
    ['[a]\n foo\n', 'Key file contains line “ foo” which is not a key-value pair, group, or comment'],
    ['[a]\n[b=1\n', 'Invalid key name: [b'],
    ['[a]\nk[=1\n', 'Invalid key name: k['],
    ['[a]\nk[de=1\n', 'Invalid key name: k[de'],
    ['[a]\nk]=1\n', 'Invalid key name: k]'],
    ['[a]x\n', 'Key file contains line “[a]x” which is not a key-value pair, group, or comment'],
    ['[a]\nEncoding=X\n', 'Key file contains unsupported encoding “X”'],
    ['[a[]\n', 'Invalid group name: a['],
    ['[a]\n;c\n', 'Key file contains line “;c” which is not a key-value pair, group, or comment'],
  ])('refuses %j', (source, message) => {
    expect(() => KeyFile.parse(source)).toThrow(message);
  });
});

describe('values', () => {
  const file = KeyFile.parse(
    '[g]\ni=12x\nj=99999999999\nb=maybe\nb2=true \ns=a\\qb\ns2=a\\\nl=a;b;;c\\;d;\nn= 5 \nsp=\\sa\\tb\\nc\\rd\\\\e\nneg=-3\n',
  );
  it('reads', () => {
    expect(file.getBoolean('g', 'b2')).toBe(true);
    expect(file.getStringList('g', 'l')).toEqual(['a', 'b', '', 'c;d']);
    expect(file.getInteger('g', 'n')).toBe(5);
    expect(file.getString('g', 'sp')).toBe(' a\tb\nc\rd\\e');
    expect(file.getUint64('g', 'neg')).toBe(18446744073709551613n);
    expect(file.getUint64('g', 'j')).toBe(99999999999n);
    expect(file.getRaw('g', 'l')).toBe('a;b;;c\\;d;');
  });
  const interpreted = (key: string): string =>
    `Key file contains key “${key}” which has a value that cannot be interpreted.`;
  it.each<[() => unknown, string]>([
    [
      () => file.getInteger('g', 'i'),
      'Key file contains key “i” in group “g” which has a value that cannot be interpreted.',
    ],
    [
      () => file.getInteger('g', 'j'),
      'Key file contains key “j” in group “g” which has a value that cannot be interpreted.',
    ],
    [() => file.getBoolean('g', 'b'), interpreted('b')],
    [() => file.getString('g', 's'), interpreted('s')],
    [() => file.getString('g', 's2'), interpreted('s2')],
    [() => file.getStringList('g', 's'), interpreted('s')],
    [() => file.getString('g', 'no'), 'Key file does not have key “no” in group “g”'],
    [() => file.getInt64('g', 'i'), 'Key “i” in group “g” has value “12x” where int64 was expected'],
    [() => file.getUint64('g', 'n'), 'Key “n” in group “g” has value “5 ” where uint64 was expected'],
    [() => file.getString('nog', 'x'), 'Key file does not have group “nog”'],
    [() => file.unset('g', 'zz'), 'Key file does not have key “zz” in group “g”'],
    [() => file.unset('zz', 'a'), 'Key file does not have group “zz”'],
    [() => file.removeGroup('zz'), 'Key file does not have group “zz”'],
  ])('%s', (read, message) => {
    expect(read).toThrow(message);
  });
  it('writes', () => {
    const out = new KeyFile();
    out.setString('n', 'a', '  \t x\t;y\n\r\\ ');
    out.setStringList('n', 'l', ['a;b', ' c', 'd;  e']);
    out.setBoolean('n', 'b', true);
    out.setStringList('n', 'e', []);
    expect(out.toString()).toBe('[n]\na=\\s\\s\\t\\sx\t;y\\n\\r\\\\ \nl=a\\;b;\\sc;d\\;\\s\\se;\nb=true\ne=\n');
  });
  it('changes the last of repeated keys', () => {
    const out = KeyFile.parse('[a]\nx=1\ny=2\nx=3\n');
    out.setString('a', 'x', '4');
    expect(out.toString()).toBe('[a]\nx=1\ny=2\nx=4\n');
    out.unset('a', 'x');
    expect(out.toString()).toBe('[a]\nx=1\ny=2\n');
  });
});

describe('properties', () => {
  it('gives back every string and list', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'));
    fc.assert(
      fc.property(text, fc.array(text), (s, list) => {
        const file = new KeyFile();
        file.setString('g', 's', s);
        file.setStringList('g', 'l', list);
        const again = KeyFile.parse(file.toString());
        expect(again.getString('g', 's')).toBe(s);
        expect(again.getStringList('g', 'l')).toEqual(list);
      }),
      { seed: 11, numRuns: 500 },
    );
  });
  it('never fails with anything but its own error', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('[', ']', '=', 'a', '\n', ' ', '#', '\\', 'é', '\r', '\t') }),
        (s) => {
          try {
            const printed = KeyFile.parse(s).toString();
            expect(KeyFile.parse(printed).toString()).toBe(printed);
          } catch (error) {
            expect((error as { code?: string }).code).toBe('Invalid');
          }
        },
      ),
      { seed: 12, numRuns: 3000 },
    );
  });
});
