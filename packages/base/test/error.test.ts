import { describe, expect, test } from 'vitest';
import { CoppiceError, errnoError, isCoppiceError, prefixError, strerror } from '../src/index.ts';

test('an error carries its code, class and facts, and survives JSON', () => {
  const error = new CoppiceError('Corrupt', 'bad object', { data: { checksum: 'ab' } });
  expect(error.kind).toBe('input');
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'Corrupt',
    kind: 'input',
    message: 'bad object',
    data: { checksum: 'ab' },
  });
});

describe('prefixing', () => {
  test('keeps code and cause', () => {
    const inner = new CoppiceError('NoSpace', 'full');
    const outer = prefixError(prefixError(inner, 'writing x'), 'commit');
    expect(outer.message).toBe('commit: writing x: full');
    expect(outer.code).toBe('NoSpace');
  });
  test('marks foreign errors as bugs', () => {
    expect(prefixError(new TypeError('oops'), 'here').kind).toBe('bug');
  });
});

describe('errnoError', () => {
  test('speaks as GLib does', () => {
    const error = errnoError(Object.assign(new Error('x'), { code: 'ENOENT' }), 'openat(config)');
    expect(error.message).toBe('openat(config): No such file or directory');
    expect(isCoppiceError(error, 'NotFound')).toBe(true);
  });
  test('unknown numbers are Io, non-system errors are bugs', () => {
    expect(errnoError(Object.assign(new Error('x'), { code: 'EWEIRD' }), 'f').code).toBe('Io');
    expect(errnoError(new Error('x'), 'f').code).toBe('Bug');
    expect(strerror('EWEIRD')).toBe('EWEIRD');
  });
});
