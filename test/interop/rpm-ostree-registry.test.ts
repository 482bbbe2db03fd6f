// Registries as they are in the world: TLS with authorities and identities of their own, passwords, signatures that a policy
// wants, and servers that never come to an end. Debian's docker-registry and skopeo are the other side.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { encodeDocument, mediaTypes, OciLayout } from '@coppice/oci';
import { Repo } from '@coppice/ostree';
import { encapsulate } from '@coppice/rpm-ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, original, type Ran, skipReason } from './rpm-ostree-support.ts';
import { freePort } from './tools.ts';

const reason = skipReason('/usr/bin/ostree', 'skopeo', 'docker-registry', 'openssl', 'perl', 'gpg');
const password = 'not-to-be-printed';

describe.skipIf(reason !== undefined)(`image registries ${reason ?? ''}`, () => {
  let node: Node;
  let registry: ChildProcess;
  let host: string;
  let image: string;
  const at = (name: string): string => join(node.dir, name);
  const run = (program: string, ...args: string[]): string => {
    const done = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, GNUPGHOME: at('gpg') } });
    if (done.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  /** Writes below the /etc that is configured next. */
  const configure = (path: string, text: string | Buffer): void => {
    const file = join(node.trees()[0]!, 'etc', path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  };
  const rebase = async (reference: string): Promise<Ran> => {
    const ran = await node.rpmOstree(['rebase', reference, `--sysroot=${node.sysroot}`]);
    expect(ran.stdout + ran.stderr).not.toContain(password);
    expect(ran.stdout + ran.stderr).not.toContain(Buffer.from(`me:${password}`).toString('base64'));
    return ran;
  };
  const certificate = (name: string, subject: string, extension: string): void => {
    writeFileSync(at(`${name}.ext`), extension);
    run(
      'openssl',
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    );
    run(
      'openssl',
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '30',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.crt`),
    );
  };

  beforeAll(async () => {
    node = await Node.make();
    run(
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=ca',
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.crt'),
    );
    certificate('server', '/CN=registry', 'subjectAltName=IP:127.0.0.1');
    certificate('client', '/CN=node', 'extendedKeyUsage=clientAuth');
    const hash = run('perl', '-e', `print crypt("${password}", '$2b$05$abcdefghijklmnopqrstuu')`);
    writeFileSync(at('htpasswd'), `me:${hash}\n`);
    const port = await freePort();
    host = `127.0.0.1:${port}`;
    image = `${host}/team/os`;
    writeFileSync(
      at('registry.yml'),
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${at('registry')}}}\n` +
        `auth: {htpasswd: {realm: lab, path: ${at('htpasswd')}}}\n` +
        `http: {addr: '${host}', tls: {certificate: ${at('server.crt')}, key: ${at('server.key')}, clientcas: [${at('ca.crt')}]}}\n`,
    );
    registry = spawn('docker-registry', ['serve', at('registry.yml')], { stdio: 'ignore' });
    const answers = (): Promise<boolean> =>
      new Promise((done) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.end();
          done(true);
        }).on('error', () => done(false));
      });
    while (!(await answers()));
    mkdirSync(at('certs'));
    for (const [from, to] of [
      ['ca.crt', 'ca.crt'],
      ['client.crt', 'client.cert'],
      ['client.key', 'client.key'],
    ] as const)
      copyFileSync(at(from), join(at('certs'), to));
    mkdirSync(at('gpg'), { mode: 0o700 });
    run(
      'gpg',
      '--batch',
      '--passphrase',
      '',
      '--quick-generate-key',
      'builder@example.com',
      'ed25519',
      'sign',
      'never',
    );
    run('gpg', '--batch', '-o', at('builder.gpg'), '--export', 'builder@example.com');
    mkdirSync(at('registries.d'));
    writeFileSync(
      join(at('registries.d'), 'lab.yaml'),
      `default-docker:\n  lookaside: file://${at('lookaside')}\n  lookaside-staging: file://${at('lookaside')}\n` +
        `  sigstore: file://${at('lookaside')}\n  sigstore-staging: file://${at('lookaside')}\n`,
    );
    for (const stream of ['stable', 'testing']) {
      const target = OciLayout.create(at('layout'));
      const { commit } = node.lab.state().streams[stream]!;
      await encapsulate({ repo: Repo.open(node.lab.repo), commit, target, reference: stream, maxLayers: 4 });
      const by = stream === 'stable' ? ['--sign-by', 'builder@example.com'] : [];
      run(
        'skopeo',
        '--insecure-policy',
        `--registries.d=${at('registries.d')}`,
        'copy',
        `--dest-cert-dir=${at('certs')}`,
        `--dest-creds=me:${password}`,
        ...by,
        `oci:${at('layout')}:${stream}`,
        `docker://${image}:${stream}`,
      );
    }
  });
  afterAll(() => {
    registry.kill();
    node.end();
  });

  test('unknown authority, no identity, no password, a wrong one: each named, nothing printed, nothing changed', async () => {
    const before = node.trees();
    const reference = `ostree-unverified-registry:${image}:stable`;
    const certs = `containers/certs.d/${host}`;
    configure(`${certs}/other.crt`, readFileSync(at('server.crt')));
    expect((await rebase(reference)).stderr).toMatch(
      /^error: Importing [^\n]*(certificate|self.signed|verify)[^\n]*\n$/i,
    );
    configure(`${certs}/ca.crt`, readFileSync(at('ca.crt')));
    expect((await rebase(reference)).stderr).toMatch(
      /^error: Importing [^\n]*(certificate|alert|socket|closed)[^\n]*\n$/i,
    );
    configure(`${certs}/node.cert`, readFileSync(at('client.crt')));
    expect((await rebase(reference)).stderr).toBe(
      `error: Importing ${reference}: missing key for ${node.trees()[0]}/etc/${certs}/node.cert\n`,
    );
    configure(`${certs}/node.key`, readFileSync(at('client.key')));
    expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*wants a password\n$/);
    configure('ostree/auth.json', `{"auths": {"${host}": {"auth": "${password}"}}}`);
    expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*auth is not base64 of USER:PASSWORD\n$/);
    configure('ostree/auth.json', `{"auths": {"${host}": {"auth": ${password}`);
    expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*auth\.json: not JSON\n$/);
    const auth = (text: string): string => Buffer.from(text).toString('base64');
    configure('ostree/auth.json', JSON.stringify({ auths: { [host]: { auth: auth('me:wrong') } } }));
    expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*server answered 401[^\n]*\n$/);
    expect(node.trees()).toEqual(before);
    node.fsck();
  });

  test('with all of it the image is deployed; the narrowest entry of the file counts', async () => {
    const auth = (text: string): string => Buffer.from(text).toString('base64');
    configure(
      'ostree/auth.json',
      JSON.stringify({
        auths: { [host]: { auth: auth('me:wrong') }, [`${host}/team`]: { auth: auth(`me:${password}`) } },
      }),
    );
    expect((await rebase(`ostree-unverified-registry:${image}:stable`)).stderr).toBe('');
    node.fsck();
    expect(readFileSync(`${node.trees()[0]}.origin`, 'utf8')).not.toContain(password);
  });

  test('a policy wants a signature from the lookaside: the signed image goes in, the other does not', async () => {
    configure('containers/registries.d/lab.yaml', readFileSync(join(at('registries.d'), 'lab.yaml')));
    configure('pki/builder.gpg', readFileSync(at('builder.gpg')));
    configure(
      'containers/policy.json',
      JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: { [host]: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/pki/builder.gpg' }] },
        },
      }),
    );
    const signed = await rebase(`ostree-image-signed:docker://${image}:stable`);
    expect(signed.stderr).toBe('');
    const before = node.trees();
    const unsigned = await rebase(`ostree-image-signed:docker://${image}:testing`);
    expect(unsigned.stderr).toMatch(/A signature was required, but no signature exists\n$/);
    expect(node.trees()).toEqual(before);
    // And skopeo says the same with the same files.
    const policy = at('policy.json');
    writeFileSync(
      policy,
      readFileSync(join(before[0]!, 'etc/containers/policy.json'), 'utf8').replace(
        '/etc/pki/builder.gpg',
        at('builder.gpg'),
      ),
    );
    const judge = (tag: string): number | null =>
      spawnSync('skopeo', [
        `--policy=${policy}`,
        `--registries.d=${at('registries.d')}`,
        'copy',
        `--src-cert-dir=${at('certs')}`,
        `--src-creds=me:${password}`,
        `docker://${image}:${tag}`,
        `dir:${at(`judged-${tag}`)}`,
      ]).status;
    expect([judge('stable'), judge('testing')]).toEqual([0, 1]);
  });

  describe('servers that answer without end', () => {
    let server: Server;
    let port: number;
    let answer: (path: string, response: ServerResponse) => void;
    const piece = Buffer.alloc(1 << 16, 'x');
    const endless = (response: ServerResponse): void => {
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.writeHead(200).on('drain', more);
      more();
    };
    beforeAll(async () => {
      server = createServer((request, response) => answer(request.url!, response));
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      ({ port } = server.address() as AddressInfo);
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    test('a lookaside: one signature that goes on, and one after the other', async () => {
      configure('containers/registries.d/lab.yaml', `default-docker:\n  lookaside: http://127.0.0.1:${port}\n`);
      const before = node.trees();
      answer = (_, response) => endless(response);
      const reference = `ostree-image-signed:docker://${image}:testing`;
      expect((await rebase(reference)).stderr).toMatch(
        /^error: Importing [^\n]*exceeded maximum size of 4194304 bytes\n$/,
      );
      let served = 0;
      answer = (_, response) => {
        served++;
        response.end(piece.subarray(0, 100));
      };
      expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*more than 128 signatures\n$/);
      expect(served).toBe(128);
      answer = (_, response) => response.end(Buffer.alloc(4 << 20));
      expect((await rebase(reference)).stderr).toMatch(
        /^error: Importing [^\n]*signatures of more than 16777216 bytes\n$/,
      );
      expect(node.trees()).toEqual(before);
    });

    test('a registry: manifest, configuration and layer', async () => {
      const before = node.trees();
      configure('containers/policy.json', '{"default": [{"type": "insecureAcceptAnything"}]}');
      const reference = `ostree-unverified-registry:127.0.0.1:${port}/os:x`;
      answer = (_, response) => endless(response);
      expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*larger than \d+ bytes\n$/);
      const config = encodeDocument({
        architecture: 'amd64',
        os: 'linux',
        config: { Labels: { 'ostree.commit': '0'.repeat(64) } },
        rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] },
      });
      const digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const layer = `sha256:${'2'.repeat(64)}`;
      const manifest = encodeDocument({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, digest: digest(config), size: config.length },
        layers: [{ mediaType: mediaTypes.layer, digest: layer, size: 1000 }],
      });
      answer = (path, response) => (path.includes('/manifests/') ? response.end(manifest) : endless(response));
      expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*longer than \d+ bytes\n$/);
      answer = (path, response) =>
        path.includes('/manifests/')
          ? response.end(manifest)
          : path.endsWith(layer)
            ? endless(response)
            : response.end(config);
      expect((await rebase(reference)).stderr).toMatch(/^error: Importing [^\n]*longer than 1000 bytes\n$/);
      expect(node.trees()).toEqual(before);
      expect(existsSync(join(node.repo, 'extensions/rpmostree/private/layers'))).toBe(false);
      node.fsck();
    });
  });

  test('a layer of 600 MB goes through little memory', async () => {
    const path = at('large.tar');
    mkdirSync(at('large/usr/share'), { recursive: true });
    const key = randomBytes(16).toString('hex');
    run(
      'sh',
      '-c',
      `head -c 600000000 /dev/zero | openssl enc -aes-128-ctr -K ${key} -iv ${key} > ${at('large/usr/share/large.bin')}`,
    );
    run('tar', '-C', at('large'), '-cf', path, '--mtime=@1', 'usr');
    run('rm', '-r', at('large'));
    const script = `
      import { openAsBlob, readFileSync } from 'node:fs';
      import { createHash } from 'node:crypto';
      import { Repo } from '@coppice/ostree';
      import { OciLayout, parseManifest, parseImageConfig, encodeDocument, mediaTypes, digestOf } from '@coppice/oci';
      import { importImage } from '@coppice/rpm-ostree';
      const [layoutPath, tar, repoPath, scratch] = process.argv.slice(1);
      const layout = OciLayout.open(layoutPath);
      const { manifest } = parseManifest((await layout.manifest('stable')).bytes);
      const parts = []; for await (const c of layout.blob(manifest.config)) parts.push(c);
      const config = parseImageConfig(Buffer.concat(parts));
      const hash = createHash('sha256'); let size = 0;
      const { createReadStream } = await import('node:fs');
      for await (const c of createReadStream(tar)) { hash.update(c); size += c.length; }
      const digest = 'sha256:' + hash.digest('hex');
      const next = encodeDocument({ ...config, rootfs: { type: 'layers', diff_ids: [...config.rootfs.diff_ids, digest] } });
      const text = encodeDocument({ ...manifest, config: { ...manifest.config, digest: digestOf(next), size: next.length }, layers: [...manifest.layers, { mediaType: mediaTypes.layer, digest, size }] });
      const source = {
        manifest: async () => ({ bytes: text, digest: digestOf(text) }),
        async *blob(d) {
          if (d.digest === digestOf(next)) yield next;
          else if (d.digest === digest) yield* createReadStream(tar);
          else yield* layout.blob(d);
        },
      };
      const repo = Repo.create(repoPath, { mode: 'bare' });
      const { commit } = await importImage({ repo, source, reference: 'x', imageReference: 'ostree-unverified-image:oci:x', scratch });
      console.log(commit, process.resourceUsage().maxRSS);`;
    mkdirSync(at('large-repo'));
    const done = spawnSync(
      process.execPath,
      [
        '--conditions=source',
        '--input-type=module',
        '-e',
        script,
        at('layout'),
        path,
        at('large-repo'),
        at('large-scratch'),
      ],
      { encoding: 'utf8', cwd: join(import.meta.dirname, '../..') },
    );
    expect(done.stderr).toBe('');
    const [commit, kilobytes] = done.stdout.trim().split(' ');
    expect(Number(kilobytes)).toBeLessThan(260_000);
    const listed = original('/usr/bin/ostree', `--repo=${at('large-repo')}`, 'ls', commit!, '/usr/share/large.bin');
    expect(listed).toMatch(/ 600000000 /);
    original('/usr/bin/ostree', `--repo=${at('large-repo')}`, 'fsck', '-q');
  });
});
