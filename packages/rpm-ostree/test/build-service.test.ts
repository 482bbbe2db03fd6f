// Builds and updates asked for in the shapes that Koji's hub and Bodhi answer in, from a server on the loopback.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fetcher } from '@coppice/http';
import { BuildService, type BuildServices, fedoraServices } from '@coppice/rpm-ostree';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { decodeResponse, encodeCall } from '../src/client/xml-rpc.ts';

let server: Server;
let services: BuildServices;
let fetcher: Fetcher;
let answers: Record<string, string>;
let asked: { method: string | undefined; type: string | undefined; body: string }[];

const struct = (members: Record<string, string>): string =>
  `<value><struct>${Object.entries(members)
    .map(([name, value]) => `<member><name>${name}</name><value>${value}</value></member>`)
    .join('')}</struct></value>`;
const text = (value: string): string => `<string>${value}</string>`;
const answer = (value: string): string =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${value}</param>\n</params>\n</methodResponse>\n`;
const rpm = (name: string, arch: string): string =>
  struct({
    arch: text(arch),
    name: text(name),
    version: text('1.2'),
    release: text('3.fc31'),
    nvr: text(`${name}-1.2-3.fc31`),
    size: '<int>7</int>',
    epoch: '<nil/>',
  });
const list = (...rpms: string[]): string => answer(`<value><array><data>${rpms.join('')}</data></array></value>`);
const build = (id = 41): string =>
  answer(
    struct({ name: text('hello'), id: `<int>${id}</int>`, nvr: text('hello-1.2-3.fc31'), owner_id: '<i8>7</i8>' }),
  );

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

beforeAll(async () => {
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const method = /<methodName>(\w+)</.exec(body)?.[1];
      asked.push({ method, type: request.headers['content-type'], body });
      const said = answers[method ?? request.url ?? ''];
      if (said === undefined) response.writeHead(404).end();
      else response.end(said);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const host = `http://127.0.0.1:${port}/`;
  services = {
    kojiPages: `${host}koji/`,
    kojiHub: `${host}kojihub/`,
    kojiFiles: `${host}files/`,
    bodhiUpdates: `${host}updates/`,
  };
  fetcher = new Fetcher();
  asked = [];
});
afterEach(() => {
  asked = [];
});
afterAll(async () => {
  await fetcher.close();
  server.closeAllConnections();
  server.close();
});

const packages = async (url: string, names?: string[]): Promise<string[]> => {
  const query = { services, arch: 'x86_64', ...(names === undefined ? {} : { names: new Set(names) }) };
  return await new BuildService(fetcher, query).packages(url);
};
const page = (id: number | string): string => `${services.kojiPages}buildinfo?buildID=${id}`;
const file = (name: string, arch = 'x86_64'): string =>
  `${services.kojiFiles}packages/hello/1.2/3.fc31/${arch}/${name}-1.2-3.fc31.${arch}.rpm`;

it('asks the documented hosts when nothing else is said', () => {
  expect(new Set(Object.values(fedoraServices).map((url) => new URL(url).host))).toEqual(
    new Set(['koji.fedoraproject.org', 'kojipkgs.fedoraproject.org', 'bodhi.fedoraproject.org']),
  );
  expect(Object.values(fedoraServices).every((url) => url.startsWith('https://') && url.endsWith('/'))).toBe(true);
});

it('finds the packages of a build: of this architecture and of none, no debugging ones, and only the wanted', async () => {
  answers = {
    getBuild: build(),
    listRPMs: list(
      rpm('hello', 'src'),
      rpm('hello', 'aarch64'),
      rpm('hello', 'x86_64'),
      rpm('hello-data', 'noarch'),
      rpm('hello-debuginfo', 'x86_64'),
      rpm('hello-debugsource', 'x86_64'),
    ),
  };
  expect(await packages(page(41))).toEqual([file('hello'), file('hello-data', 'noarch')]);
  expect(asked.map((a) => [a.method, a.type])).toEqual([
    ['getBuild', 'text/xml'],
    ['listRPMs', 'text/xml'],
  ]);
  expect(asked[0]!.body).toContain('<param><value><int>41</int></value></param>');
  expect(await packages(page(41), ['hello-data'])).toEqual([file('hello-data', 'noarch')]);
});

it('finds the packages of all builds of an update', async () => {
  answers = {
    '/updates/FEDORA-2020-053d8a2e94': JSON.stringify({
      update: {
        builds: [
          { nvr: 'hello-1.2-3.fc31', epoch: 0 },
          { nvr: 'other-1-1.fc31', epoch: 1 },
        ],
      },
      can_edit: false,
    }),
    getBuild: build(),
    listRPMs: list(rpm('hello', 'x86_64')),
  };
  expect(await packages(`${services.bodhiUpdates}FEDORA-2020-053d8a2e94`)).toEqual([file('hello'), file('hello')]);
  expect(asked.filter((a) => a.method === 'getBuild').map((a) => /<string>(.*?)</.exec(a.body)![1])).toEqual([
    'hello-1.2-3.fc31',
    'other-1-1.fc31',
  ]);
});

it.each<[string, () => Promise<unknown>, Record<string, string>, string]>([
  [
    'another page',
    () => packages(`${services.kojiPages}taskinfo?taskID=7`),
    {},
    'Failed to parse Koji buildid from URL',
  ],
  ['no number', () => packages(page('1e3')), {}, 'Failed to parse Koji buildid from URL'],
  ['a missing hub', () => packages(page(1)), {}, 'Invoking koji getBuild(): '],
  [
    'an unknown build',
    () => packages(page(1)),
    { getBuild: answer('<value><nil/></value>') },
    'Expected struct from getBuild',
  ],
  [
    'a fault',
    () => packages(page(1)),
    {
      getBuild: `<methodResponse><fault>${struct({ faultCode: '<int>1000</int>', faultString: text('invalid build') })}</fault></methodResponse>`,
    },
    'Invoking koji getBuild(): XML-RPC: invalid build',
  ],
  ['HTML', () => packages(page(1)), { getBuild: '<html><body>busy</body></html>' }, 'not an answer of XML-RPC'],
  ['no name', () => packages(page(1)), { getBuild: answer(struct({ id: '<int>1</int>' })) }, 'Missing key name'],
  [
    'a name that leads elsewhere',
    () => packages(page(1)),
    { getBuild: answer(struct({ id: '<int>1</int>', name: text('../../x') })) },
    'Key name is no part of a file name: ../../x',
  ],
  [
    'a release that is dots',
    () => packages(page(1)),
    { getBuild: build(), listRPMs: list(rpm('hello', 'x86_64').replace('3.fc31', '..')) },
    'Key release is no part of a file name: ..',
  ],
  ['no list', () => packages(page(1)), { getBuild: build(), listRPMs: answer('<value>x</value>') }, 'Expected array'],
  ['a huge number', () => packages(page(1)), { getBuild: build(1e300) }, 'bad integer'],
  [
    'no JSON',
    () => packages(`${services.bodhiUpdates}x`),
    { '/updates/x': '<html>' },
    'Failed to download bodhi update info',
  ],
  ['no update', () => packages(`${services.bodhiUpdates}x`), {}, 'Failed to download bodhi update info: '],
  [
    'no builds',
    () => packages(`${services.bodhiUpdates}x`),
    { '/updates/x': '{"update":{}}' },
    'no builds in the update',
  ],
  [
    'a build without nvr',
    () => packages(`${services.bodhiUpdates}x`),
    { '/updates/x': '{"update":{"builds":[null]}}' },
    'a build without nvr',
  ],
])('refuses %s with one line', async (_what, call, said, message) => {
  answers = said;
  const failed = await call().then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(failed).toContain(message);
  expect(failed).not.toContain('\n');
});

it('writes words so that they come back, and refuses entities and depth', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (word) => {
      const call = encodeCall('m', [word]);
      const value = /<value><string>([\s\S]*)<\/string><\/value>/.exec(call)![1]!;
      expect(decodeResponse(Buffer.from(answer(`<value><string>${value}</string></value>`)), 'x')).toBe(word);
    }),
    { seed: 7 },
  );
  const bomb = '<!DOCTYPE x [<!ENTITY a "b">]><methodResponse/>';
  expect(() => decodeResponse(Buffer.from(bomb), 'x')).toThrow('document types');
  const deep = `${'<value><array><data>'.repeat(500)}${'</data></array></value>'.repeat(500)}`;
  expect(() => decodeResponse(Buffer.from(answer(deep)), 'x')).toThrow('nested too deeply');
});
