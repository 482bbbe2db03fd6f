// Sigstore signatures without a key that is known before: certificates made by openssl, entries of a log signed by openssl, and
// the verdicts of policies on them. No network, and every authority is given.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import {
  checkPolicy,
  digestOf,
  encodeDocument,
  type ImageSource,
  mediaTypes,
  parseImageReference,
  parsePolicy,
  parseRegistriesD,
} from '@coppice/oci';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingTools } from './tools.ts';

const reason = missingTools('openssl');
const name = 'registry.example.com/team/os';
const image = parseImageReference(`${name}:stable`);
const digest = `sha256:${'a'.repeat(64)}`;
const entered = Date.UTC(2024, 0, 15, 12) / 1000;

interface Made {
  readonly payload: Buffer;
  readonly annotations: Record<string, string>;
}

describe.skipIf(reason !== undefined)(`sigstore ${reason ?? ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'oci-sigstore-'));
  const at = (file: string): string => join(dir, file);
  const pem = (file: string): string => readFileSync(at(file), 'utf8');
  const openssl = (...args: string[]): Buffer => {
    const done = spawnSync('openssl', args, { cwd: dir });
    if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const key = (file: string): void => {
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${file}.key`);
    openssl('ec', '-in', `${file}.key`, '-pubout', '-out', `${file}.pub`);
  };
  /** A certificate of `file`.key issued by `by`, valid in January 2024 unless told otherwise. */
  function issue(file: string, by: string, extensions: string, from = '20240115115500Z', to = '20240115120500Z'): void {
    key(file);
    writeFileSync(at(`${file}.ext`), extensions);
    openssl('req', '-new', '-key', `${file}.key`, '-subj', `/CN=${file}`, '-out', `${file}.csr`);
    writeFileSync(at('index.txt'), '');
    writeFileSync(
      at('ca.cnf'),
      `[ca]\ndefault_ca = d\n[d]\ndatabase = ${at('index.txt')}\nnew_certs_dir = ${dir}\nrand_serial = yes\ndefault_md = sha256\nunique_subject = no\npolicy = p\n[p]\ncommonName = supplied\n`,
    );
    const signer = by === file ? ['-selfsign'] : ['-cert', `${by}.crt`];
    openssl(
      'ca',
      '-batch',
      '-notext',
      '-config',
      'ca.cnf',
      ...signer,
      '-keyfile',
      `${by}.key`,
      '-startdate',
      from,
      '-enddate',
      to,
      '-extfile',
      `${file}.ext`,
      '-in',
      `${file}.csr`,
      '-out',
      `${file}.crt`,
    );
  }
  const signed = (file: string, data: Buffer): string => {
    writeFileSync(at('data'), data);
    return openssl('dgst', '-sha256', '-sign', `${file}.key`, 'data').toString('base64');
  };
  const payload = (reference = name, of = digest): Buffer =>
    Buffer.from(
      JSON.stringify({
        critical: {
          identity: { 'docker-reference': reference },
          image: { 'docker-manifest-digest': of },
          type: 'cosign container image signature',
        },
        optional: null,
      }),
    );

  interface Bundle {
    readonly log?: string;
    readonly time?: number;
    readonly signer?: string;
    readonly payload?: Buffer;
    readonly signature?: string;
  }
  function bundle(signature: string, data: Buffer, signer: string, change: Bundle = {}): string {
    const body = {
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: {
          hash: {
            algorithm: 'sha256',
            value: createHash('sha256')
              .update(change.payload ?? data)
              .digest('hex'),
          },
        },
        signature: {
          content: change.signature ?? signature,
          publicKey: { content: Buffer.from(change.signer ?? signer).toString('base64') },
        },
      },
    };
    const entry = {
      body: Buffer.from(JSON.stringify(body)).toString('base64'),
      integratedTime: change.time ?? entered,
      logIndex: 7,
      logID: 'c0ffee',
    };
    const canonical = `{"body":"${entry.body}","integratedTime":${entry.integratedTime},"logID":"c0ffee","logIndex":7}`;
    return JSON.stringify({
      SignedEntryTimestamp: signed(change.log ?? 'rekor', Buffer.from(canonical)),
      Payload: entry,
    });
  }
  function keyless(by: string, options: { bundle?: Bundle | null; chain?: string; payload?: Buffer } = {}): Made {
    const data = options.payload ?? payload();
    const signature = signed(by, data);
    return {
      payload: data,
      annotations: {
        'dev.cosignproject.cosign/signature': signature,
        'dev.sigstore.cosign/certificate': pem(`${by}.crt`),
        ...(options.chain === undefined ? {} : { 'dev.sigstore.cosign/chain': options.chain }),
        ...(options.bundle === null
          ? {}
          : { 'dev.sigstore.cosign/bundle': bundle(signature, data, pem(`${by}.crt`), options.bundle) }),
      },
    };
  }

  async function verdict(requirement: Record<string, unknown>, ...signatures: Made[]): Promise<string> {
    const manifest = encodeDocument({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: { mediaType: mediaTypes.config, digest: digestOf(Buffer.from('{}')), size: 2 },
      layers: signatures.map((s) => ({
        mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        digest: digestOf(s.payload),
        size: s.payload.length,
        annotations: s.annotations,
      })),
    });
    const source: ImageSource = {
      manifest: async () => ({ bytes: manifest, digest: digestOf(manifest) }),
      async *blob(descriptor) {
        yield signatures.find((s) => digestOf(s.payload) === descriptor.digest)!.payload;
      },
    };
    const document = {
      default: [{ type: 'sigstoreSigned', signedIdentity: { type: 'matchRepository' }, ...requirement }],
    };
    try {
      await checkPolicy({
        policy: parsePolicy(Buffer.from(JSON.stringify(document))),
        storage: parseRegistriesD([['x.yaml', 'default-docker:\n  use-sigstore-attachments: true\n']]),
        image: { transport: 'docker', reference: image },
        source,
        digest,
        readKey: (path) => readFileSync(path),
        clock: { now: () => Date.UTC(2024, 0, 20) },
      });
      return 'accepted';
    } catch (error) {
      return messageOf(error);
    }
  }
  const fulcio = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
    fulcio: { caPath: at('root.crt'), oidcIssuer: 'https://id.example.com', subjectEmail: 'me@example.com', ...change },
    rekorPublicKeyPath: at('rekor.pub'),
  });

  beforeAll(() => {
    const long = ['20200101000000Z', '20400101000000Z'] as const;
    const authority = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n';
    const issuer = (url: string): string =>
      `1.3.6.1.4.1.57264.1.1=DER:${[...Buffer.from(url)].map((b) => b.toString(16).padStart(2, '0')).join(':')}\n`;
    const wrapped = (url: string): string => `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${url}\n`;
    const leaf = 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n';
    const me = 'subjectAltName=critical,email:me@example.com\n';
    for (const log of ['rekor', 'other-log', 'plain']) key(log);
    issue('root', 'root', authority, ...long);
    issue('stranger', 'stranger', authority, ...long);
    issue('between', 'root', authority, ...long);
    issue('good', 'root', leaf + me + issuer('https://id.example.com'));
    issue('newer', 'between', leaf + me + issuer('https://id.example.com') + wrapped('https://id.example.com'));
    issue('torn', 'root', leaf + me + issuer('https://id.example.com') + wrapped('https://evil.example.com'));
    issue('issuerless', 'root', leaf + me);
    issue('elsewhere', 'root', leaf + me + issuer('https://evil.example.com'));
    issue(
      'other',
      'root',
      `${leaf}subjectAltName=email:you@example.com,email:me@example.com.evil\n${issuer('https://id.example.com')}`,
    );
    issue('forged', 'stranger', leaf + me + issuer('https://id.example.com'));
    issue('server', 'root', leaf.replace('codeSigning', 'serverAuth') + me + issuer('https://id.example.com'));
    issue('leafca', 'good', leaf + me + issuer('https://id.example.com'));
    issue('host', 'between', `${leaf}subjectAltName=DNS:build.example.com,email:me@example.com\n`, ...long);
  });

  test('the certificates are what openssl takes them for', () => {
    const judge = (file: string, ...more: string[]): boolean =>
      spawnSync(
        'openssl',
        ['verify', '-attime', String(entered), '-ignore_critical', '-CAfile', 'root.crt', ...more, `${file}.crt`],
        { cwd: dir },
      ).status === 0;
    expect(judge('good')).toBe(true);
    expect(judge('newer')).toBe(false);
    expect(judge('newer', '-untrusted', 'between.crt')).toBe(true);
    expect(judge('forged')).toBe(false);
    expect(judge('leafca', '-untrusted', 'good.crt')).toBe(false);
  });

  test('short-lived certificates: issued, in the log, for the subject', async () => {
    expect(await verdict(fulcio(), keyless('good'))).toBe('accepted');
    expect(await verdict(fulcio(), keyless('newer', { chain: pem('between.crt') }))).toBe('accepted');
    expect(
      await verdict(
        fulcio({ caPath: undefined, caData: Buffer.from(pem('root.crt')).toString('base64') }),
        keyless('good'),
      ),
    ).toBe('accepted');
    const refused: [Made, RegExp][] = [
      [keyless('newer'), /no accepted authority issued it/],
      [keyless('forged'), /no accepted authority issued it/],
      [keyless('forged', { chain: pem('stranger.crt') }), /no accepted authority issued it/],
      [keyless('leafca', { chain: pem('good.crt') }), /no accepted authority issued it/],
      [keyless('good', { bundle: { time: entered + 3600 } }), /no accepted authority issued it/],
      [keyless('good', { bundle: { time: entered - 3600 } }), /no accepted authority issued it/],
      [keyless('server'), /not for signing code/],
      [keyless('elsewhere'), /Unexpected Fulcio OIDC issuer "https:\/\/evil.example.com"/],
      [keyless('torn'), /inconsistent OIDC issuer/],
      [keyless('issuerless'), /missing the issuer extension/],
      [keyless('other'), /Required email "me@example.com" not found \(got "you@example.com", "me@example.com.evil"\)/],
      [keyless('good', { bundle: null }), /missing dev.sigstore.cosign\/bundle/],
      [keyless('good', { bundle: { log: 'other-log' } }), /verification of the entry failed/],
      [keyless('good', { bundle: { signer: pem('newer.crt') } }), /the entry is about another key/],
      [keyless('good', { bundle: { payload: payload('x/y') } }), /the entry is about another payload/],
      [keyless('good', { bundle: { signature: 'AAAA' } }), /the entry is about another signature/],
      [
        keyless('good', { payload: payload('registry.example.com/other/os') }),
        /Signature for identity .* is not accepted/,
      ],
      [
        keyless('good', { payload: payload(name, `sha256:${'b'.repeat(64)}`) }),
        /Signature for digest .* does not match/,
      ],
    ];
    for (const [made, why] of refused) expect(await verdict(fulcio(), made)).toMatch(why);
    const borrowed = keyless('good');
    const stolen: Made = {
      ...borrowed,
      annotations: {
        ...borrowed.annotations,
        'dev.cosignproject.cosign/signature': signed('plain', borrowed.payload),
        'dev.sigstore.cosign/bundle': bundle(signed('plain', borrowed.payload), borrowed.payload, pem('good.crt')),
      },
    };
    expect(await verdict(fulcio(), stolen)).toMatch(/another signature|the certificate did not make it/);
    // One good signature among bad ones is enough.
    expect(await verdict(fulcio(), keyless('forged'), keyless('good'))).toBe('accepted');
  });

  test('a PKI of one’s own needs no log, but certificates that are valid now', async () => {
    const pki = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
      pki: {
        caRootsPath: at('root.crt'),
        caIntermediatesPath: at('between.crt'),
        subjectHostname: 'build.example.com',
        ...change,
      },
    });
    const made = keyless('host', { bundle: null });
    expect(await verdict(pki(), made)).toBe('accepted');
    expect(await verdict(pki({ subjectEmail: 'me@example.com' }), made)).toBe('accepted');
    expect(await verdict(pki({ subjectHostname: 'other.example.com' }), made)).toMatch(/Required host name/);
    expect(await verdict(pki({ caIntermediatesPath: undefined }), made)).toMatch(/no accepted authority issued it/);
    expect(
      await verdict(
        pki({ subjectHostname: undefined, subjectEmail: 'me@example.com' }),
        keyless('good', { bundle: null }),
      ),
    ).toMatch(/no accepted authority issued it/);
  });

  test('keys whose signatures must be in the log as well', async () => {
    const requirement = { keyPath: at('plain.pub'), rekorPublicKeyPath: at('rekor.pub') };
    const data = payload();
    const signature = signed('plain', data);
    const plain = (extra: Record<string, string>): Made => ({
      payload: data,
      annotations: { 'dev.cosignproject.cosign/signature': signature, ...extra },
    });
    const logged = (change?: Bundle): Made =>
      plain({ 'dev.sigstore.cosign/bundle': bundle(signature, data, pem('plain.pub'), change) });
    expect(await verdict(requirement, logged())).toBe('accepted');
    expect(await verdict(requirement, logged({ signer: pem('rekor.pub') }))).toMatch(/about another key/);
    expect(await verdict(requirement, plain({}))).toMatch(/missing dev.sigstore.cosign\/bundle/);
    expect(await verdict({ keyPath: at('plain.pub') }, plain({}))).toBe('accepted');
  });

  test('policies that say too little or too much', async () => {
    const bad: [Record<string, unknown>, RegExp][] = [
      [{ ...fulcio(), rekorPublicKeyPath: undefined }, /a rekorPublicKey is needed/],
      [{ ...fulcio(), keyPath: 'x' }, /exactly one of/],
      [fulcio({ oidcIssuer: undefined }), /"oidcIssuer" is missing/],
      [fulcio({ caData: 'AA==' }), /cannot be used simultaneously/],
      [fulcio({ caPath: undefined }), /one of caPath and caData is needed/],
      [fulcio({ surprise: 1 }), /unknown key "surprise"/],
      [{ pki: { caRootsPath: 'x' } }, /at least one of subjectEmail and subjectHostname/],
    ];
    for (const [requirement, why] of bad) expect(await verdict(requirement, keyless('good'))).toMatch(why);
    const broken = keyless('good');
    for (const text of [
      '',
      'x',
      '{}',
      '{"Payload":[]}',
      '{"SignedEntryTimestamp":"","Payload":{"body":"","integratedTime":1,"logID":"","logIndex":1}}',
    ])
      expect(
        await verdict(fulcio(), {
          ...broken,
          annotations: { ...broken.annotations, 'dev.sigstore.cosign/bundle': text },
        }),
      ).toMatch(/Rekor bundle/);
    for (const text of [
      '',
      'x',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      pem('good.crt') + pem('root.crt'),
    ])
      expect(
        await verdict(fulcio(), {
          ...broken,
          annotations: { ...broken.annotations, 'dev.sigstore.cosign/certificate': text },
        }),
      ).toMatch(/certificate of the signature/);
  });
});
