// Images that are made to harm: each refused with one line, and with little memory.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTar } from '@coppice/archive';
import {
  digestOf,
  type ImageSource,
  mediaTypes,
  OciLayout,
  parseImageConfig,
  parseManifest,
  Registry,
  readImageConfig,
  resolveManifest,
  unpackOciArchive,
} from '@coppice/oci';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const digest = digestOf(Buffer.from('x'));
const part = { mediaType: mediaTypes.layer, digest, size: 1 };
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const image = (more: object): Buffer => bytes({ schemaVersion: 2, config: part, layers: [part], ...more });

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { message, name } = error as Error;
    expect(name).toBe('CoppiceError');
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(1000);
    return message;
  }
  throw new Error('not refused');
}

describe('manifests', () => {
  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'manifest: '],
    ['a list', bytes([]), 'not an object'],
    ['another schema', bytes({ schemaVersion: 1 }), 'unsupported schema version'],
    ['a negative size', image({ layers: [{ ...part, size: -1 }] }), 'layers[0]: malformed descriptor'],
    ['a size that is no integer', image({ layers: [{ ...part, size: 1.5 }] }), 'malformed descriptor'],
    ['a size beyond integers', image({ config: { ...part, size: 2 ** 60 } }), 'config: malformed descriptor'],
    ['another hash', image({ layers: [{ ...part, digest: 'md5:00' }] }), 'invalid digest'],
    ['a digest that climbs', image({ layers: [{ ...part, digest: 'sha256:../../../etc/passwd' }] }), 'invalid digest'],
    ['a digest without end', image({ layers: [{ ...part, digest: 'a'.repeat(1 << 20) }] }), 'invalid digest'],
    ['too many layers', image({ layers: new Array(513).fill(part) }), 'more than 512 layers'],
    [
      'annotations that are no texts',
      image({ layers: [{ ...part, annotations: { 'ostree.components': ['a'] } }] }),
      'layers[0]: annotations: not a map of strings',
    ],
    ['annotations that are a list', image({ annotations: ['a'] }), 'manifest: annotations'],
    [
      'a platform that is nothing',
      bytes({ schemaVersion: 2, manifests: [{ ...part, platform: null }] }),
      'platform: not an object',
    ],
    ['eight million and more bytes', Buffer.alloc((8 << 20) + 1, 32), 'larger than'],
  ])('%s', async (_what, document, message) => {
    expect(await refusal(() => parseManifest(document))).toContain(message);
  });

  test.each<[string, unknown, string]>([
    [
      'labels that are no texts',
      { rootfs: { diff_ids: [digest] }, config: { Labels: { 'ostree.commit': ['a'] } } },
      'Labels: not a map of strings',
    ],
    ['settings that are a text', { rootfs: { diff_ids: [digest] }, config: 'x' }, 'config: not an object'],
    ['a time that is none', { rootfs: { diff_ids: [digest] }, created: { a: 1 } }, 'malformed time'],
    ['no layers', { rootfs: {} }, 'no diff_ids'],
    ['a diff id that climbs', { rootfs: { diff_ids: ['sha256:../x'] } }, 'invalid digest'],
  ])('configuration: %s', async (_what, value, message) => {
    expect(await refusal(() => parseImageConfig(bytes(value)))).toContain(message);
  });
});

/** A source that has these documents and counts what was read of blobs. */
class Fixed implements ImageSource {
  read = 0;
  readonly #documents: Readonly<Record<string, Uint8Array>>;
  readonly #blob: (() => Generator<Uint8Array>) | undefined;
  constructor(documents: Readonly<Record<string, Uint8Array>>, blob?: () => Generator<Uint8Array>) {
    this.#documents = documents;
    this.#blob = blob;
  }
  async manifest(reference: string): Promise<{ bytes: Uint8Array; digest: string }> {
    const found = this.#documents[reference]!;
    return { bytes: found, digest: digestOf(found) };
  }
  async *blob(): AsyncGenerator<Uint8Array> {
    for (const chunk of this.#blob?.() ?? []) {
      this.read += chunk.length;
      yield chunk;
    }
  }
}

describe('what is behind descriptors', () => {
  const inner = image({});
  const list = (more: object): Buffer =>
    bytes({ schemaVersion: 2, manifests: [{ ...part, digest: digestOf(inner), size: inner.length, ...more }] });

  test('lists with other sizes than their manifests have, lists of lists', async () => {
    const good = new Fixed({ v1: list({}), [digestOf(inner)]: inner });
    expect((await resolveManifest(good, 'v1')).digest).toBe(digestOf(inner));
    const wrong = new Fixed({ v1: list({ size: 7 }), [digestOf(inner)]: inner });
    expect(await refusal(() => resolveManifest(wrong, 'v1'))).toBe(
      `manifest ${digestOf(inner)}: ${inner.length} bytes, but its index says 7`,
    );
    const nested = list({});
    const outer = bytes({ schemaVersion: 2, manifests: [{ ...part, digest: digestOf(nested), size: nested.length }] });
    const lists = new Fixed({ v1: outer, [digestOf(nested)]: nested });
    expect(await refusal(() => resolveManifest(lists, 'v1'))).toBe('index within an index');
    const foreign = list({ platform: { os: 'plan9', architecture: 'mips' } });
    expect(await refusal(() => resolveManifest(new Fixed({ v1: foreign }), 'v1'))).toMatch(/^no image for linux\//);
  });

  test('configurations that are too large, longer than said, or other bytes', async () => {
    function* endless(): Generator<Uint8Array> {
      for (;;) yield Buffer.alloc(65536, 32);
    }
    const config = (size: number): Parameters<typeof readImageConfig>[1] => ({
      schemaVersion: 2,
      config: { ...part, size },
      layers: [],
    });
    const large = new Fixed({}, endless);
    expect(await refusal(() => readImageConfig(large, config(2 ** 40)))).toContain('larger than');
    expect(large.read).toBe(0);
    const long = new Fixed({}, endless);
    expect(await refusal(() => readImageConfig(long, config(100_000)))).toContain('longer than 100000 bytes');
    expect(long.read).toBeLessThan(200_000);
    const other = new Fixed({}, function* () {
      yield Buffer.from('y');
    });
    expect(await refusal(() => readImageConfig(other, config(1)))).toContain('content does not match');
  });
});

describe('registries', () => {
  let server: Server;
  let registry: Registry;
  let asked = 0;
  let answer: (url: string) => { status: number; headers?: Record<string, string>; body?: string };
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked += 1;
      const { status, headers, body } = answer(request.url ?? '');
      response.writeHead(status, headers).end(body);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    registry = new Registry({ host: `127.0.0.1:${(server.address() as AddressInfo).port}`, path: 'a' });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test('redirects without end, to nowhere, and to what is no web address', async () => {
    answer = (url) => ({ status: 307, headers: { location: `${url}x` } });
    asked = 0;
    expect(await refusal(() => registry.manifest('v1'))).toMatch(/too many redirects$/);
    expect(asked).toBeLessThan(15);
    answer = () => ({ status: 302, headers: { location: 'http://[' } });
    expect(await refusal(() => registry.manifest('v1'))).toMatch(/redirect to no address$/);
    answer = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
    expect(await refusal(() => registry.manifest('v1'))).toMatch(/refusing a redirect to file:/);
  });

  test('texts of many lines and with control characters', async () => {
    answer = () => ({ status: 500, body: `one\ntwo\r\n\x1b[31mred\x00${'x'.repeat(100_000)}` });
    expect(await refusal(() => registry.manifest('v1'))).toContain('server answered 500: one two [31mred xxx');
  });
});

describe('stores on disk', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'coppice-hostile-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  const read = async (layout: OciLayout): Promise<void> => {
    for await (const _ of layout.blob(part));
  };

  test('blobs that are links, pipes or directories', async () => {
    const layout = OciLayout.create(join(dir, 'layout'));
    const path = join(dir, 'layout/blobs/sha256', digest.slice('sha256:'.length));
    symlinkSync('/etc/passwd', path);
    expect(await refusal(() => read(layout))).toContain('Too many levels of symbolic links');
    rmSync(path);
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    expect(await refusal(() => read(layout))).toContain('not a regular file');
    rmSync(path);
    mkdirSync(path);
    expect(await refusal(() => read(layout))).toContain('not a regular file');
  });

  test('an archive whose blob is a hole without end', async () => {
    const path = join(dir, 'sparse.tar');
    const record = (text: string): string => {
      let length = text.length + 2;
      while (`${length} ${text}\n`.length !== length) length += 1;
      return `${length} ${text}\n`;
    };
    const pax = ['GNU.sparse.major=1', 'GNU.sparse.minor=0', `GNU.sparse.realsize=${2 ** 50}`].map(record).join('');
    const member = (
      name: string,
      type: 'file',
      content: Buffer,
    ): Parameters<typeof writeTar>[0] extends Iterable<infer T> ? T : never => ({
      path: name,
      type,
      mode: 0o644,
      uid: 0,
      gid: 0,
      uname: '',
      gname: '',
      size: content.length,
      mtime: 0,
      linkTarget: '',
      devMajor: 0,
      devMinor: 0,
      xattrs: [],
      content: [content],
    });
    const map = Buffer.alloc(512);
    map.write('0\n');
    const tar = Buffer.concat([
      ...writeTar([member('pax', 'file', Buffer.from(pax)), member(`blobs/sha256/${'a'.repeat(64)}`, 'file', map)], {
        format: 'gnu',
        blocking: 512,
      }),
    ]);
    // The first member becomes the extended header of the second.
    tar[156] = 'x'.charCodeAt(0);
    tar.write('        ', 148);
    const sum = tar.subarray(0, 512).reduce((a, b) => a + b, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    writeFileSync(path, tar);
    expect(await refusal(() => unpackOciArchive(path, join(dir, 'unpacked')))).toContain('larger than its archive');
  });
});
