// Signature policies for container images: skopeo signs, and for every policy its verdict and ours are the same.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import {
  checkPolicy,
  digestOf,
  encodeDocument,
  mediaTypes,
  OciLayout,
  parseImageReference,
  parsePolicy,
  Registry,
  readKeyFile,
  readRegistriesD,
} from '@coppice/oci';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, missingTools } from './tools.ts';

const reason = missingTools('skopeo', 'docker-registry', 'gpg');

describe.skipIf(reason !== undefined)(`container policies ${reason ?? ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'oci-policy-'));
  const home = join(dir, 'gpg');
  const registriesD = join(dir, 'registries.d');
  const lookaside = join(dir, 'lookaside');
  let registry: ChildProcess;
  let host = '';
  const fingerprints: Record<string, string> = {};
  const path = (name: string): string => join(dir, name);

  function run(command: string, args: readonly string[]): { status: number | null; stderr: string; stdout: string } {
    return spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, GNUPGHOME: home } });
  }
  function must(command: string, ...args: string[]): string {
    const done = run(command, args);
    if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  function key(name: string): void {
    must(
      'gpg',
      '--batch',
      '--passphrase',
      '',
      '--quick-generate-key',
      `${name}@example.com`,
      'ed25519',
      'sign',
      'never',
    );
    const listing = must('gpg', '--batch', '--with-colons', '--fingerprint', `${name}@example.com`);
    fingerprints[name] = /^fpr:+([0-9A-F]{40}):/m.exec(listing)![1]!;
    must('gpg', '--batch', '--yes', '-o', path(`${name}.gpg`), '--export', `${name}@example.com`);
  }

  async function image(name: string, text: string): Promise<void> {
    const layout = OciLayout.create(path('layout'));
    const put = async (bytes: Uint8Array): Promise<{ digest: string; size: number }> => {
      const descriptor = { digest: digestOf(bytes), size: bytes.length };
      await layout.putBlob(descriptor, bytes);
      return descriptor;
    };
    must('tar', '-C', dir, '-cf', path('layer.tar'), '--mtime=@0', `--transform=s,.*,${text},`, 'empty');
    const layer = await put(readFileSync(path('layer.tar')));
    const config = await put(
      encodeDocument({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      }),
    );
    await layout.putManifest(
      name,
      encodeDocument({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, ...config },
        layers: [{ mediaType: mediaTypes.layer, ...layer }],
      }),
      mediaTypes.manifest,
    );
  }

  function push(from: string, to: string, ...signers: string[]): void {
    const by = signers.flatMap((s) => ['--sign-by', fingerprints[s]!]);
    must(
      'skopeo',
      '--insecure-policy',
      `--registries.d=${registriesD}`,
      'copy',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      ...by,
      from.includes('/') ? from : `oci:${path('layout')}:${from}`,
      `docker://${host}/${to}`,
    );
  }

  /** An attached sigstore signature, made with openssl's primitives. */
  async function attach(name: string, tag: string, pem: string, reference: string, claimed?: string): Promise<void> {
    const target = new Registry({ host, path: name });
    const { digest } = await target.manifest(tag);
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: { 'docker-reference': reference },
          image: { 'docker-manifest-digest': claimed ?? digest },
          type: 'cosign container image signature',
        },
        optional: null,
      }),
    );
    const config = encodeDocument({
      architecture: '',
      os: '',
      rootfs: { type: 'layers', diff_ids: [digestOf(payload)] },
    });
    for (const bytes of [payload, config]) await target.putBlob({ digest: digestOf(bytes), size: bytes.length }, bytes);
    await target.putManifest(
      `${digest.replace(':', '-')}.sig`,
      encodeDocument({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, digest: digestOf(config), size: config.length },
        layers: [
          {
            mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
            digest: digestOf(payload),
            size: payload.length,
            annotations: { 'dev.cosignproject.cosign/signature': sign('sha256', payload, pem).toString('base64') },
          },
        ],
      }),
      mediaTypes.manifest,
    );
  }

  beforeAll(async () => {
    for (const name of ['gpg', 'registries.d', 'lookaside']) mkdirSync(path(name), { mode: 0o700 });
    writeFileSync(path('empty'), '');
    for (const name of ['a', 'b', 'c']) key(name);
    const port = await freePort();
    host = `127.0.0.1:${port}`;
    writeFileSync(
      path('registry.yml'),
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${path('registry')}}}\nhttp: {addr: '${host}'}\n`,
    );
    registry = spawn('docker-registry', ['serve', path('registry.yml')], { stdio: 'ignore' });
    for (;;) {
      try {
        if ((await fetch(`http://${host}/v2/`)).ok) break;
      } catch {}
    }
    writeFileSync(
      join(registriesD, 'lab.yaml'),
      `default-docker:\n  sigstore: file://${lookaside}\n  sigstore-staging: file://${lookaside}\n` +
        `docker:\n  ${host}/cosigned:\n    use-sigstore-attachments: true\n`,
    );
    for (const n of ['one', 'two', 'three']) await image(n, n);
    push('one', 'team/os:stable', 'a');
    push('two', 'team/os:testing', 'b');
    push('three', 'team/os:both', 'a');
    // From the registry itself, so that the first signature stays.
    push(`docker://${host}/team/os:both`, 'team/os:both', 'b');
    push('one', 'plain/os:stable');
    push('two', 'broken/os:stable', 'a');
    push('one', 'cosigned/os:stable');
    push('two', 'cosigned/os:exact');
    push('three', 'cosigned/os:lies');
    push('three', 'silent/os:stable');
    const broken = join(
      lookaside,
      `broken/os@${(await new Registry({ host, path: 'broken/os' }).manifest('stable')).digest.replace(':', '=')}/signature-1`,
    );
    const bytes = readFileSync(broken);
    bytes[bytes.length - 3]! ^= 1;
    writeFileSync(broken, bytes);
    for (const name of ['ec', 'other']) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      writeFileSync(path(`${name}.pub`), pair.publicKey.export({ type: 'spki', format: 'pem' }));
      writeFileSync(path(`${name}.key`), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    }
    const pem = readFileSync(path('ec.key'), 'utf8');
    await attach('cosigned/os', 'stable', pem, `${host}/cosigned/os`);
    await attach('cosigned/os', 'exact', pem, `${host}/cosigned/os:exact`);
    await attach('cosigned/os', 'lies', pem, `${host}/cosigned/os:lies`, `sha256:${'0'.repeat(64)}`);
    await attach('silent/os', 'stable', pem, `${host}/silent/os:stable`);
  });

  afterAll(() => {
    registry?.kill();
    run('gpgconf', ['--kill', 'gpg-agent']);
    rmSync(dir, { recursive: true, force: true });
  });

  const accept = [{ type: 'insecureAcceptAnything' }];
  const gpg = (keys: string | readonly string[], more: object = {}): object[] => [
    { type: 'signedBy', keyType: 'GPGKeys', ...keyMember(keys), ...more },
  ];
  const keyMember = (keys: string | readonly string[]): object =>
    typeof keys === 'string' ? { keyPath: path(`${keys}.gpg`) } : { keyPaths: keys.map((k) => path(`${k}.gpg`)) };
  const cosign = (name: string, identity?: object): object[] => [
    {
      type: 'sigstoreSigned',
      keyPath: path(`${name}.pub`),
      ...(identity === undefined ? {} : { signedIdentity: identity }),
    },
  ];
  const identity = (type: string, more: object = {}): object => ({ signedIdentity: { type, ...more } });
  const docker = (scopes: Record<string, unknown>): object => ({
    default: [{ type: 'reject' }],
    transports: { docker: scopes },
  });

  /** Policies by name; made late, when the host is known. */
  const policies = (): Record<string, unknown> => ({
    'accepts all': { default: accept },
    'rejects all': { default: [{ type: 'reject' }] },
    'key a': docker({ '': gpg('a') }),
    'key b': docker({ '': gpg('b') }),
    'key c': docker({ '': gpg('c') }),
    'keys by data': docker({
      '': [{ type: 'signedBy', keyType: 'GPGKeys', keyData: readFileSync(path('a.gpg')).toString('base64') }],
    }),
    'both keys': docker({ '': [...gpg('a'), ...gpg('b')] }),
    'scope of the tag': docker({ [`${host}/team/os:stable`]: gpg('a'), [`${host}/team/os`]: [{ type: 'reject' }] }),
    'scope of the repository': docker({ [`${host}/team/os`]: gpg('a'), [host]: [{ type: 'reject' }] }),
    'scope of the namespace': docker({ [`${host}/team`]: gpg('b'), '': accept }),
    'scope of the host': docker({ [host]: gpg('a'), '': accept }),
    'scope of the domain': docker({ [`*.${host.slice(host.indexOf('.') + 1)}`]: gpg('a') }),
    'another transport': { default: [{ type: 'reject' }], transports: { oci: { '': accept } } },
    exact: docker({ '': gpg('a', identity('matchExact')) }),
    repository: docker({ '': gpg('a', identity('matchRepository')) }),
    'exact reference': docker({
      '': gpg('a', identity('exactReference', { dockerReference: `${host}/team/os:stable` })),
    }),
    'exact repository': docker({
      '': gpg('a', identity('exactRepository', { dockerRepository: `${host}/team/os` })),
    }),
    'remapped away': docker({
      '': gpg('a', identity('remapIdentity', { prefix: `${host}/team`, signedPrefix: `${host}/elsewhere` })),
    }),
    'remapped here': docker({
      '': gpg('a', identity('remapIdentity', { prefix: `${host}/plain`, signedPrefix: `${host}/team` })),
    }),
    'remapped beside': docker({
      '': gpg('a', identity('remapIdentity', { prefix: `${host}/tea`, signedPrefix: `${host}/elsewhere` })),
    }),
    'sigstore key': docker({ '': cosign('ec') }),
    'sigstore repository': docker({ '': cosign('ec', { type: 'matchRepository' }) }),
    'sigstore other key': docker({ '': cosign('other', { type: 'matchRepository' }) }),
    'unknown type': docker({ '': [{ type: 'signedByMagic' }] }),
    'unknown key': { default: accept, surprise: 1 },
    'unknown member': { default: [{ type: 'reject', when: 'never' }] },
    'two key members': docker({
      '': [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: path('a.gpg'), keyData: 'AA==' }],
    }),
    'no requirement': { default: [] },
    'no default': { transports: {} },
    'missing key file': docker({ '': gpg('nobody') }),
  });

  /** Debian's skopeo 1.9 has sigstore taken out and does not know `*.DOMAIN` scopes yet. */
  const unjudged = /^sigstore|^scope of the domain$/;

  const images = [
    'team/os:stable',
    'team/os:testing',
    'team/os:both',
    'team/os@',
    'plain/os:stable',
    'broken/os:stable',
    'cosigned/os:stable',
    'cosigned/os:exact',
    'cosigned/os:lies',
    'silent/os:stable',
  ];

  async function ours(policy: string, reference: string): Promise<string> {
    const parsed = parseImageReference(reference);
    const source = new Registry(parsed);
    try {
      const { digest } = await source.manifest(parsed.digest ?? parsed.tag!);
      await checkPolicy({
        policy: parsePolicy(Buffer.from(policy)),
        storage: readRegistriesD(registriesD),
        image: { transport: 'docker', reference: parsed },
        source,
        digest,
        readKey: (file) => readKeyFile(file),
      });
      return 'accepted';
    } catch (error) {
      if (!isCoppiceError(error)) throw error;
      return `refused: ${error.message}`;
    }
  }

  test('every policy judges every image as skopeo does', async () => {
    const { digest } = await new Registry({ host, path: 'team/os' }).manifest('stable');
    const counts = { accepted: 0, refused: 0 };
    const wrong: string[] = [];
    for (const [name, policy] of Object.entries(policies())) {
      if (unjudged.test(name)) continue;
      const text = JSON.stringify(policy);
      writeFileSync(path('policy.json'), text);
      for (const short of images) {
        const reference = `${host}/${short.endsWith('@') ? short + digest : short}`;
        rmSync(path('out'), { recursive: true, force: true });
        const judge = run('skopeo', [
          `--policy=${path('policy.json')}`,
          `--registries.d=${registriesD}`,
          'copy',
          '--src-tls-verify=false',
          '--remove-signatures',
          `docker://${reference}`,
          `dir:${path('out')}`,
        ]);
        const mine = await ours(text, reference);
        const verdict = judge.status === 0 ? 'accepted' : 'refused';
        counts[verdict]++;
        if (!mine.startsWith(verdict)) wrong.push(`${name}, ${short}: skopeo ${verdict} ${judge.stderr}; ours ${mine}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(counts.accepted).toBeGreaterThan(30);
    expect(counts.refused).toBeGreaterThan(150);
  });

  test('sigstore signatures beside the image, made by openssl', async () => {
    const all = policies();
    const say = (policy: string, image: string): Promise<string> =>
      ours(JSON.stringify(all[policy]), `${host}/${image}`);
    expect(await say('sigstore repository', 'cosigned/os:stable')).toBe('accepted');
    expect(await say('sigstore repository', 'cosigned/os:exact')).toBe('accepted');
    expect(await say('sigstore key', 'cosigned/os:exact')).toBe('accepted');
    // The claim of a bare repository is no exact one.
    expect(await say('sigstore key', 'cosigned/os:stable')).toMatch(
      /^refused: Signature for identity .* is not accepted$/,
    );
    expect(await say('sigstore repository', 'cosigned/os:lies')).toMatch(
      /^refused: Signature for digest .* does not match$/,
    );
    expect(await say('sigstore other key', 'cosigned/os:stable')).toMatch(/^refused: cryptographic signature/);
    // Not looked for where registries.d does not say so.
    expect(await say('sigstore key', 'silent/os:stable')).toBe(
      'refused: A signature was required, but no signature exists',
    );
    expect(await say('scope of the domain', 'team/os:stable')).toBe('accepted');
    expect(await say('scope of the domain', 'team/os:testing')).toMatch(/^refused/);
  });

  test('reasons are told in the original words', async () => {
    const all = policies();
    const say = (policy: string, image: string): Promise<string> =>
      ours(JSON.stringify(all[policy]), `${host}/${image}`);
    expect(await say('rejects all', 'plain/os:stable')).toBe(
      `refused: Running image docker://${host}/plain/os:stable is rejected by policy.`,
    );
    expect(await say('key a', 'plain/os:stable')).toBe('refused: A signature was required, but no signature exists');
    expect(await say('remapped away', 'team/os:stable')).toBe(
      `refused: Signature for identity ${host}/team/os:stable is not accepted`,
    );
    expect(await say('key c', 'team/os:both')).toContain('refused: None of the signatures were accepted, reasons: ');
  });
});
