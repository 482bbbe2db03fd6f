import { expect, test } from 'vitest';
import { cookieHeader, formatCookie, parseCookieJar, proxyFor } from '../src/index.ts';

const jar = parseCookieJar(
  '# Netscape\nexample.com\tFALSE\t/a\tFALSE\t0\tone\t1\n.example.org\tTRUE\t/\tTRUE\t100\ttwo\t2\nbad line\n',
);

test('cookies go to their own host and path only', () => {
  const header = (url: string, now = 0): string | undefined => cookieHeader(jar, new URL(url), now);
  expect(header('http://example.com/a/b')).toBe('one=1');
  expect(header('http://example.com/ab')).toBeUndefined();
  expect(header('http://sub.example.com/a')).toBeUndefined();
  expect(header('https://sub.example.org/x')).toBe('two=2');
  expect(header('http://sub.example.org/x')).toBeUndefined();
  expect(header('https://sub.example.org/x', 200_000)).toBeUndefined();
  expect(header('https://notexample.org/x')).toBeUndefined();
});

test('a written cookie is read back, and separators are refused', () => {
  expect(parseCookieJar(jar.map(formatCookie).join(''))).toEqual(jar);
  expect(() => formatCookie({ ...jar[0]!, value: 'a\nb' })).toThrow('Invalid character');
});

test('the proxy is found as curl finds it', () => {
  const url = new URL('http://www.example.com/');
  expect(proxyFor(url, undefined, { http_proxy: 'p:3128' })).toBe('http://p:3128');
  expect(proxyFor(url, undefined, { HTTP_PROXY: 'p:3128' })).toBeUndefined();
  expect(proxyFor(url, undefined, { http_proxy: 'p', no_proxy: '.example.com' })).toBeUndefined();
  expect(proxyFor(url, 'http://own:1', { no_proxy: '*' })).toBe('http://own:1');
  expect(proxyFor(new URL('https://x/'), undefined, { HTTPS_PROXY: 'http://s' })).toBe('http://s');
});
