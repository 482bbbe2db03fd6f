import { describe, expect, test } from 'vitest';
import { LooseNameReader } from '../src/store/objects.ts';

const rest = '0123456789abcdef'.repeat(4).slice(2);

describe('names below objects/', () => {
  test.each([
    ['file', 'bare', 'file'],
    ['filez', 'archive', 'file'],
    ['dirtree', 'archive', 'dirtree'],
    ['dirmeta', 'bare', 'dirmeta'],
    ['commit', 'bare', 'commit'],
    ['commitmeta', 'bare', 'commitmeta'],
    ['tombstone-commit', 'archive', 'tombstone-commit'],
    ['payload-link', 'bare', 'payload-link'],
    ['file-xattrs-link', 'bare-split-xattrs', 'file-xattrs-link'],
  ] as const)('.%s in %s is a %s', (suffix, mode, type) => {
    const reader = new LooseNameReader(mode);
    expect(reader.read(0xfe, `${rest}.${suffix}`)).toBe(type);
    expect(reader.checksum).toBe(`fe${rest}`);
    expect(reader.bytes.toString('hex')).toBe(`fe${rest}`);
  });

  test.each([
    `${rest}.filez`,
    `${rest}.File`,
    `${rest.toUpperCase()}.file`,
    `${rest.slice(1)}.file`,
    `0${rest}.file`,
    `${rest.slice(0, -1)}g.file`,
    `${rest.slice(0, -1)}\u0130.file`,
    `${rest}`,
    `${rest}.`,
    `${rest}.file.tmp`,
    '',
  ])('%j is no object of a bare repository', (name) => {
    expect(new LooseNameReader('bare').read(0, name)).toBeUndefined();
  });
});
