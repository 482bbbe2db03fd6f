import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  chooseManifest,
  type Descriptor,
  digestOf,
  encodeDocument,
  formatImageReference,
  type Manifest,
  mediaTypes,
  OciLayout,
  parseImageReference,
  parseManifest,
  Registry,
} from '@coppice/oci';
import { describe, expect, test } from 'vitest';
import { mayHaveCredentials } from '../src/token-host.ts';

const blob = Buffer.from('hello');
const descriptor: Descriptor = { mediaType: mediaTypes.layer, digest: digestOf(blob), size: blob.length };
const manifest: Manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: descriptor,
  layers: [descriptor],
};

describe('references', () => {
  test.each([
    ['quay.io/fedora/fedora-coreos:stable', 'quay.io/fedora/fedora-coreos:stable'],
    ['localhost:5000/a', 'localhost:5000/a:latest'],
    [`r.example.com/a/b__c@${digestOf(blob)}`, `r.example.com/a/b__c@${digestOf(blob)}`],
    ['[::1]:5000/a:v1', '[::1]:5000/a:v1'],
  ])('%s', (text, formatted) => {
    expect(formatImageReference(parseImageReference(text))).toBe(formatted);
  });

  test.each([
    'a',
    'a/b',
    'r.example/A',
    'r.example/a//b',
    'r.example/a/../b',
    'r.example/a:-t',
    'r.example/a@sha512:00',
  ])('refused: %s', (text) => {
    expect(() => parseImageReference(text)).toThrow();
  });
});

describe('manifests', () => {
  test('one for this machine', () => {
    const entry = (architecture: string): Descriptor & { platform: { architecture: string; os: string } } => ({
      ...descriptor,
      platform: { architecture, os: 'linux' },
    });
    const index = { schemaVersion: 2 as const, manifests: [entry('s390x'), entry('arm64')] };
    expect(chooseManifest(index, 'arm64')).toBe(index.manifests[1]);
    expect(() => chooseManifest(index, 'amd64')).toThrow('no image for linux/amd64');
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['an old schema', '{"schemaVersion":1}'],
    ['no layers', '{"schemaVersion":2}'],
    [
      'a digest that leads elsewhere',
      JSON.stringify({ ...manifest, layers: [{ ...descriptor, digest: 'sha256:../../x' }] }),
    ],
    ['a negative size', JSON.stringify({ ...manifest, config: { ...descriptor, size: -1 } })],
    ['too many layers', JSON.stringify({ ...manifest, layers: Array(600).fill(descriptor) })],
  ])('refused: %s', (_, text) => {
    expect(() => parseManifest(Buffer.from(text))).toThrow();
  });
});

test('a layout gives back what was put, and nothing that was changed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coppice-oci-'));
  try {
    const layout = OciLayout.create(join(dir, 'image'));
    await layout.putBlob(descriptor, blob);
    const bytes = encodeDocument(manifest);
    await layout.putManifest('v1', bytes, mediaTypes.manifest);
    await layout.putManifest('v1', bytes, mediaTypes.manifest);
    expect(layout.index().manifests).toHaveLength(1);
    const again = await OciLayout.open(join(dir, 'image')).manifest('v1');
    expect(Buffer.from(again.bytes)).toEqual(Buffer.from(bytes));
    await expect(layout.manifest('v2')).rejects.toThrow('no image "v2"');
    writeFileSync(join(dir, 'image/blobs/sha256', again.digest.slice(7)), '{}');
    await expect(layout.manifest('v1')).rejects.toThrow('does not match its name');
    await expect(layout.putBlob(descriptor, Buffer.from('other'))).rejects.toThrow();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

describe('a registry', () => {
  /** A server in a function; keeps the requests. */
  function server(answer: (url: URL, authorization: string | undefined) => Response): {
    asked: [string, string | undefined][];
    fetch: typeof fetch;
  } {
    const asked: [string, string | undefined][] = [];
    return {
      asked,
      fetch: (async (input: string | URL, init?: RequestInit) => {
        const authorization = (init?.headers as Record<string, string> | undefined)?.['authorization'];
        asked.push([String(input), authorization]);
        return answer(new URL(String(input)), authorization);
      }) as typeof fetch,
    };
  }
  const name = { host: 'r.example.com', path: 'a/b' };
  const challenge = (realm: string): Response =>
    new Response('', { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="s",scope="p"` } });

  test('a token is fetched once and kept to the registry', async () => {
    const { fetch, asked } = server((url, authorization) => {
      if (url.host === 'auth.example.com') return Response.json({ token: 'T' });
      if (url.host === 'store.example') return new Response('');
      if (authorization !== 'Bearer T') return challenge('https://auth.example.com/token');
      if (url.pathname.endsWith('/uploads/'))
        return new Response('', { status: 202, headers: { location: 'https://store.example/put' } });
      return new Response(encodeDocument(manifest) as Uint8Array<ArrayBuffer>);
    });
    const registry = new Registry(name, { fetch, credentials: { kind: 'password', user: 'u', password: 'p' } });
    expect((await registry.manifest('v1')).digest).toBe(digestOf(encodeDocument(manifest)));
    await registry.putBlob(descriptor, blob);
    expect(asked.map(([url]) => new URL(url).host)).toEqual([
      'r.example.com',
      'auth.example.com',
      'r.example.com',
      'r.example.com',
      'store.example',
    ]);
    expect(asked[1]).toEqual(['https://auth.example.com/token?service=s&scope=p', 'Basic dTpw']);
    expect(asked.at(-1)![1]).toBeUndefined();
  });

  test('a password does not go out in clear', async () => {
    const { fetch, asked } = server(() => challenge('http://auth.example.com/token'));
    await expect(
      new Registry(name, { fetch, credentials: { kind: 'password', user: 'u', password: 'p' } }).manifest('v1'),
    ).rejects.toThrow('refusing');
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['token server', 'password', 'https://evil.test/token'],
    ['token server', 'identity-token', 'https://example.com.evil.test/token'],
    ['token server by address', 'password', 'https://192.0.2.1/token'],
  ] as const)('a challenge that names a foreign %s for a %s gets nothing', async (_what, kind, realm) => {
    const { fetch, asked } = server(() => challenge(realm));
    const credentials =
      kind === 'password' ? ({ kind, user: 'u', password: 'p' } as const) : ({ kind, token: 'secret' } as const);
    await expect(new Registry(name, { fetch, credentials }).manifest('v1')).rejects.toThrow(
      `refusing to send the credentials of r.example.com to ${new URL(realm).host}`,
    );
    expect(asked).toEqual([[expect.stringContaining('https://r.example.com/'), undefined]]);
    // Without credentials there is nothing to lose.
    await expect(new Registry(name, { fetch }).manifest('v1')).rejects.toThrow(`no token from ${new URL(realm).host}`);
  });

  test.each(['Basic realm="x"', 'Bearer realm="https://r.example.com/token"'])(
    'where a blob is redirected to, %s is not answered',
    async (text) => {
      const asked: (string | undefined)[] = [];
      const fetch = (async (input: string | URL, init?: RequestInit) => {
        asked.push((init?.headers as Record<string, string> | undefined)?.['authorization']);
        const response = new Response('', { status: 401, headers: { 'www-authenticate': text } });
        return Object.defineProperty(response, 'url', { value: String(input).replace('r.example.com', 'store.test') });
      }) as typeof globalThis.fetch;
      const registry = new Registry(name, { fetch, credentials: { kind: 'password', user: 'u', password: 'p' } });
      await expect(registry.hasBlob(digestOf(blob))).rejects.toThrow('server answered 401');
      expect(asked).toEqual([undefined]);
    },
  );

  test('whom credentials are shown to', () => {
    const cases: [string, string, boolean][] = [
      ['registry-1.docker.io', 'auth.docker.io', true],
      ['registry.gitlab.example.org', 'gitlab.example.org', true],
      ['ghcr.io', 'ghcr.io', true],
      ['localhost', 'localhost', true],
      ['127.0.0.1', '127.0.0.1', true],
      ['a.co.uk', 'b.co.uk', false],
      ['r.a.co.uk', 'auth.a.co.uk', true],
      ['docker.io', 'docker.io.evil.test', false],
      ['127.0.0.1', '192.0.0.1', false],
      ['registry', 'auth', false],
    ];
    for (const [registry, host, allowed] of cases)
      expect([registry, host, mayHaveCredentials(registry, host)]).toEqual([registry, host, allowed]);
  });

  test('what a digest names is checked, and endless answers end', async () => {
    const wrong = server(() => new Response('{}'));
    await expect(new Registry(name, { fetch: wrong.fetch }).manifest(digestOf(blob))).rejects.toThrow('does not match');
    let sent = 0;
    const endless = server(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(new Uint8Array(1 << 20));
              sent++;
            },
          }),
        ),
    );
    await expect(new Registry(name, { fetch: endless.fetch }).manifest('v1')).rejects.toThrow('larger than');
    expect(sent).toBeLessThan(16);
  });

  test('what the server says comes along', async () => {
    const { fetch } = server(() => new Response('no such image', { status: 404 }));
    const registry = new Registry(name, { fetch });
    await expect(registry.manifest('v1')).rejects.toThrow('r.example.com/a/b:v1: server answered 404: no such image');
    expect(await registry.hasBlob(digestOf(blob))).toBe(false);
  });
});
