import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { certificatesFor, credentialsFor, parseAuthFile, parseHelperAnswer } from '@coppice/oci';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';

const file = (value: unknown) => parseAuthFile(Buffer.from(JSON.stringify(value)), 'auth.json');
const auth = (text: string): string => Buffer.from(text).toString('base64');

describe('authentication files', () => {
  test('the narrowest entry counts; URLs of old files mean their hosts', () => {
    const parsed = file({
      auths: {
        'registry.example.com': { auth: auth('host:1') },
        'registry.example.com/team': { auth: auth('team:a:b') },
        'registry.example.com/team/os': { identitytoken: 'token', auth: auth('x:y') },
        'https://index.docker.io/v1/': { auth: auth('hub:2') },
        'empty.example.com': {},
      },
      credHelpers: { 'helped.example.com': 'secretservice' },
    });
    const user = (host: string, path: string): unknown => credentialsFor(parsed, { host, path });
    const password = (name: string, secret: string) => ({ kind: 'password', user: name, password: secret });
    expect(user('registry.example.com', 'other/os')).toEqual(password('host', '1'));
    expect(user('registry.example.com', 'team/tool')).toEqual(password('team', 'a:b'));
    expect(user('registry.example.com', 'teamwork/os')).toEqual(password('host', '1'));
    expect(user('registry.example.com', 'team/os')).toEqual({ kind: 'identity-token', token: 'token' });
    expect(user('docker.io', 'library/os')).toEqual(password('hub', '2'));
    expect(user('helped.example.com', 'os')).toEqual({ kind: 'helper', name: 'secretservice' });
    expect(user('empty.example.com', 'os')).toBeUndefined();
    expect(user('registry.example.com:5000', 'os')).toBeUndefined();
  });

  test('helpers answer with a password or a token', () => {
    expect(parseHelperAnswer('{"Username":"u","Secret":"s"}', 'h')).toEqual({
      kind: 'password',
      user: 'u',
      password: 's',
    });
    expect(parseHelperAnswer('{"Username":"<token>","Secret":"s"}', 'h')).toEqual({
      kind: 'identity-token',
      token: 's',
    });
    for (const bad of ['', 'hidden', '{"Secret":"hidden"}', 'null'])
      expect(() => parseHelperAnswer(bad, 'h')).toThrow(/^h: (?!.*hidden)/);
  });

  test('what is malformed is refused without a word of it', () => {
    const secret = 'hunter2';
    for (const bad of [
      `{"auths": ${secret}`,
      `{"auths": "${secret}"}`,
      `{"auths": {"a": "${secret}"}}`,
      `{"auths": {"a": {"auth": "${secret}"}}}`,
      `{"auths": {"a": {"auth": 5}}}`,
      `{"credHelpers": {"a": "../${secret}"}}`,
      `["${secret}"]`,
    ]) {
      const error = (() => {
        try {
          parseAuthFile(Buffer.from(bad), 'auth.json');
          return undefined;
        } catch (e) {
          return e;
        }
      })();
      expect(isCoppiceError(error, 'Invalid'), bad).toBe(true);
      expect((error as Error).message).not.toContain(secret);
      expect((error as Error).message).toMatch(/^auth\.json: /);
    }
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          parseAuthFile(Buffer.from(text), 'f');
        } catch (error) {
          expect(isCoppiceError(error, 'Invalid')).toBe(true);
        }
      }),
      { seed: 8, numRuns: 300 },
    );
  });
});

describe('certificates of a registry', () => {
  const dir = mkdtempSync(join(tmpdir(), 'certs-d-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const put = (...names: string[]): void => {
    for (const name of names) {
      mkdirSync(join(dir, name, '..'), { recursive: true });
      writeFileSync(join(dir, name), '');
    }
  };

  test('the first folder that has the registry counts', () => {
    put('a/r:1/x.crt', 'a/r:1/y.crt', 'a/r:1/n.cert', 'a/r:1/n.key', 'b/r:1/z.crt', 'b/half/n.cert', 'b/other/n.key');
    const [a, b] = [join(dir, 'a'), join(dir, 'b')];
    expect(certificatesFor([a, b], 'r:1')).toEqual({
      moreCaPaths: [`${a}/r:1/x.crt`, `${a}/r:1/y.crt`],
      clientCertPath: `${a}/r:1/n.cert`,
      clientKeyPath: `${a}/r:1/n.key`,
    });
    expect(certificatesFor([b], 'r:1')).toEqual({ moreCaPaths: [`${b}/r:1/z.crt`] });
    expect(certificatesFor([a, b], 'r')).toBeUndefined();
    expect(() => certificatesFor([a, b], 'half')).toThrow(`missing key for ${b}/half/n.cert`);
    expect(() => certificatesFor([a, b], 'other')).toThrow(`missing client certificate for ${b}/other/n.key`);
  });
});
