// Overrides and installations by address: pages of builds and updates, files of a server. rpm and the original ostree say what came of it.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { worldPackage } from '@coppice/lab';
import { buildPackage } from '@coppice/rpm';
import { type BuildServices, baseOf, Client, changeOverrides, deployOrigin } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { simplePackage, textFile } from './rpm-ostree-compose-support.ts';
import { articleWorld, Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap');

describe.skipIf(reason !== undefined)(`packages by address ${reason ?? ''}`, () => {
  let node: Node;
  let server: Server;
  let services: BuildServices;
  let host: string;
  const sent: string[] = [];
  const world = articleWorld();
  const spec = worldPackage(world, world.base.find((p) => p.name === 'chrony')!, Object.keys(world.streams)[0]!);
  const release = '99.fc31';
  const file = `/files/packages/chrony/${spec.version}/${release}/${spec.arch}/chrony-${spec.version}-${release}.${spec.arch}.rpm`;

  beforeAll(async () => {
    node = await Node.make();
    const packages: Record<string, Buffer> = {
      [file]: Buffer.from(buildPackage({ ...spec, release }).bytes()),
      '/extra.rpm': Buffer.from(buildPackage(simplePackage('extra', [textFile('/usr/share/extra', 'x')])).bytes()),
    };
    const string = (name: string, value: string): string =>
      `<member><name>${name}</name><value><string>${value}</string></value></member>`;
    const rpm = (name: string): string =>
      `<value><struct>${string('name', name)}${string('arch', String(spec.arch))}${string('version', spec.version)}${string('release', release)}${string('nvr', `${name}-${spec.version}-${release}`)}</struct></value>`;
    const answers: Record<string, string> = {
      getBuild: `<value><struct>${string('name', 'chrony')}<member><name>id</name><value><int>5</int></value></member></struct></value>`,
      // The build makes more than the base has.
      listRPMs: `<value><array><data>${rpm('chrony')}${rpm('chrony-tests')}</data></array></value>`,
    };
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const url = request.url ?? '';
        sent.push(url);
        const method = /<methodName>(\w+)</.exec(Buffer.concat(parts).toString())?.[1];
        if (method !== undefined)
          response.end(`<methodResponse><params><param>${answers[method]}</param></params></methodResponse>`);
        else if (url === '/updates/FEDORA-2020-1') response.end('{"update":{"builds":[{"nvr":"chrony-1","epoch":0}]}}');
        else if (packages[url] !== undefined) response.end(packages[url]);
        else response.writeHead(404).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    services = {
      kojiPages: `${host}/koji/`,
      kojiHub: `${host}/kojihub/`,
      kojiFiles: `${host}/files/`,
      bodhiUpdates: `${host}/updates/`,
    };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    node.end();
  });

  async function replace(url: string): Promise<void> {
    const client = Client.open({ sysroot: node.sysroot, env: process.env });
    const previous = client.originMerge;
    const origin = await changeOverrides(client, client.origin(previous), baseOf(client.repo, previous.checksum), {
      replace: [url],
      services,
    });
    await deployOrigin(client, { origin, pull: false, cacheOnly: true });
  }
  const wanted = `chrony-${spec.version}-${release}.${spec.arch}`;

  test.each(['koji/buildinfo?buildID=5', 'updates/FEDORA-2020-1'])(
    '%s: what of it the base has is replaced',
    async (page) => {
      sent.length = 0;
      await replace(`${host}/${page}`);
      expect(sent.filter((url) => url.startsWith('/files/'))).toEqual([file]);
      expect(node.installed().filter((name) => name.includes('chrony'))).toEqual([
        spec.epoch === undefined ? wanted : wanted.replace('chrony-', `chrony-${spec.epoch}:`),
      ]);
      node.fsck();
      expect(await node.must('status')).toMatch(
        new RegExp(`LocalOverrides: chrony .* -> .*${spec.version}-${release}`),
      );
      await node.must('override', 'reset', 'chrony');
      expect(node.installed().some((name) => name.includes(release))).toBe(false);
    },
  );

  test('install and override replace fetch files; what cannot be had is said in one line, and nothing changes', async () => {
    const out = await node.must('install', `${host}/extra.rpm`);
    expect(out).toContain(`Downloading ${host}/extra.rpm...done\n`);
    expect(node.installed()).toContain('extra-1-1.noarch');
    original('rpm', '-V', '--nomtime', '--dbpath', '/usr/share/rpm', '--root', node.trees()[0]!, 'extra');
    await node.must('uninstall', 'extra');
    const before = node.trees()[0];
    for (const [verb, argument, message] of [
      [['install'], `${host}/none.rpm`, /^error: Handling argument http:\S+none\.rpm: .*404/m],
      [['override', 'replace'], `${host}/none.rpm`, /^error: Handling argument http:\S+none\.rpm: .*404/m],
      [
        ['install'],
        'x-1-1.src.rpm',
        /^error: Handling argument x-1-1\.src\.rpm: x-1-1\.src\.rpm appears to be a source RPM/m,
      ],
    ] as const) {
      const ran = await node.rpmOstree([...verb, argument, `--sysroot=${node.sysroot}`]);
      expect(ran.stderr).toMatch(message);
      expect(ran.stderr.trimEnd()).not.toContain('\n');
    }
    expect(node.trees()[0]).toBe(before);
  });
});
