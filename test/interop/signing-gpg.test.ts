// OpenPGP keys, signatures and keyrings against gpg.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  armor,
  generateKey,
  gpgHomeKeyring,
  importKeys,
  Keyring,
  loadGpgHomeKey,
  sign,
  verify,
} from '@coppice/signing';
import { afterAll, describe, expect, test } from 'vitest';

const present = spawnSync('gpg', ['--version']).status === 0;
if (!present && process.env['CI'] === 'true') throw new Error('gpg is missing');

const homes: string[] = [];
function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  homes.push(home);
  return home;
}
function gpg(home: string, ...args: string[]): string {
  const loopback = ['--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', ''];
  return execFileSync('gpg', ['--homedir', home, ...loopback, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString();
}
function gpgVerify(home: string, signature: Uint8Array, data: Uint8Array): string {
  writeFileSync(join(home, 'sig'), signature);
  writeFileSync(join(home, 'data'), data);
  const run = spawnSync('gpg', [
    '--homedir',
    home,
    '--status-fd',
    '1',
    '--verify',
    join(home, 'sig'),
    join(home, 'data'),
  ]);
  return run.stdout.toString();
}
afterAll(() => {
  for (const home of homes) {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  }
});

const data = Buffer.from('what was signed\n');

describe.skipIf(!present)('signing and gpg', () => {
  test.each(['ed25519', 'rsa2048'] as const)(
    'our %s key: gpg imports both halves, each side verifies the other',
    (algorithm) => {
      const home = newHome();
      const key = generateKey({ userId: 'Some One <one@example.com>', algorithm, created: 1_700_000_000 });
      writeFileSync(join(home, 'secret.asc'), armor('PRIVATE KEY BLOCK', key.secretKey));
      gpg(home, '--import', join(home, 'secret.asc'));
      expect(gpgVerify(home, sign(key.secretKey, data), data)).toContain(
        `GOODSIG ${key.keyId} Some One <one@example.com>`,
      );
      expect(gpgVerify(home, sign(key.secretKey, data), Buffer.from('else'))).toContain('BADSIG');
      writeFileSync(join(home, 'data'), data);
      gpg(home, '-o', join(home, 'sig'), '--detach-sign', join(home, 'data'));
      expect(verify(readFileSync(join(home, 'sig')), key.publicKey, data)[0]).toMatchObject({
        valid: true,
        fingerprint: key.fingerprint,
        userName: 'Some One',
        userEmail: 'one@example.com',
      });
      const exported = execFileSync('gpg', ['--homedir', home, '--batch', '--export-secret-keys', key.keyId]);
      expect(verify(sign(exported, data), key.publicKey, data)[0]?.valid).toBe(true);
    },
  );

  test.each(['dsa2048', 'nistp256', 'nistp384', 'nistp521', 'ed25519', 'rsa3072'])('gpg’s %s key', (algorithm) => {
    const home = newHome();
    gpg(home, '--quick-gen-key', 'a@example.org', algorithm, 'sign', 'never');
    const fingerprint = /fpr:+([0-9A-F]{40})/.exec(gpg(home, '--with-colons', '-k'))![1]!;
    writeFileSync(join(home, 'data'), data);
    gpg(home, '-o', join(home, 'sig'), '--detach-sign', join(home, 'data'));
    const result = verify(readFileSync(join(home, 'sig')), gpgHomeKeyring(home), data)[0]!;
    expect(result).toMatchObject({ valid: true, fingerprint, userEmail: 'a@example.org' });
    if (algorithm !== 'dsa2048') {
      expect(gpgVerify(home, sign(loadGpgHomeKey(home, 'a@example.org'), data), data)).toContain('GOODSIG');
    }
    if (algorithm !== 'rsa3072' && algorithm !== 'ed25519') return;
    gpg(home, '--quick-add-key', fingerprint, algorithm, 'sign', 'never');
    gpg(home, '-o', join(home, 'sig'), '--detach-sign', join(home, 'data'));
    const bySubkey = verify(readFileSync(join(home, 'sig')), gpgHomeKeyring(home), data)[0]!;
    expect(bySubkey).toMatchObject({ valid: true, primaryFingerprint: fingerprint });
    expect(bySubkey.fingerprint).not.toBe(fingerprint);
  });

  test('expired and revoked keys, and importing what gpg says about them', () => {
    const home = newHome();
    const key = generateKey({ userId: 'x <x@example.org>', created: 1_700_000_000 });
    writeFileSync(join(home, 'secret'), key.secretKey);
    gpg(home, '--import', join(home, 'secret'));
    const signature = sign(key.secretKey, data, { created: 1_700_000_100 });
    gpg(home, '--quick-set-expire', key.fingerprint, '1d');
    const expiring = execFileSync('gpg', ['--homedir', home, '--armor', '--export', key.keyId]);
    const late = { clock: { now: () => Date.now() + 2 * 86_400_000 } };
    expect(verify(signature, expiring, data, late)[0]).toMatchObject({ valid: false, keyExpired: true, bad: false });
    const merged = importKeys(key.publicKey, expiring);
    expect(merged.added).toEqual([]);
    expect(verify(signature, merged.keyring, data, late)[0]).toMatchObject({ valid: false, keyExpired: true });
    expect(verify(signature, merged.keyring, data)[0]).toMatchObject({ valid: true });
    const revocation = join(home, 'openpgp-revocs.d', `${key.fingerprint}.rev`);
    if (existsSync(revocation)) {
      writeFileSync(join(home, 'rev'), readFileSync(revocation, 'utf8').replace(/^:(-----)/gm, '$1'));
      gpg(home, '--import', join(home, 'rev'));
      const revoked = execFileSync('gpg', ['--homedir', home, '--export', key.keyId]);
      expect(verify(signature, importKeys(key.publicKey, revoked).keyring, data)[0]).toMatchObject({
        keyRevoked: true,
      });
    }
  });

  test('a keyring that gpg reads comes out of an import', () => {
    const home = newHome();
    const keys = [1, 2, 3].map((n) => generateKey({ userId: `k${n} <k${n}@example.org>`, created: 1_700_000_000 }));
    let ring: Uint8Array = new Uint8Array(0);
    for (const key of keys) ring = importKeys(ring, armorBytes(key.publicKey)).keyring;
    expect(importKeys(ring, keys[1]!.publicKey).added).toEqual([]);
    writeFileSync(join(home, 'ring'), ring);
    gpg(home, '--import', join(home, 'ring'));
    for (const key of keys) expect(gpg(home, '-k')).toContain(key.fingerprint);
    expect(new Keyring(ring).certificates.length).toBe(3);
  });
});

function armorBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.from(armor('PUBLIC KEY BLOCK', bytes));
}
