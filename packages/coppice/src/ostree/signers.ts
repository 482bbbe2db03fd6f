import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError, systemClock } from '@coppice/base';
import { type Signer, withEngineSignature, withGpgSignature } from '@coppice/ostree';
import { defaultGpgHome, gpgHomeKeyring, loadGpgHomeKey, type SigningKey, sign, signEngine } from '@coppice/signing';
import type { GOption } from '../cli/goption.ts';
import type { OstreeCall } from './verb.ts';

/** `--sign` and `--sign-type`. */
export function signOptions(help: string): GOption[] {
  return [
    { long: 'sign', arg: 'KEY-ID', type: 'strings', help },
    { long: 'sign-type', arg: 'NAME', help: "Signature type to use (defaults to 'ed25519')" },
  ];
}

/** The folder that `--gpg-homedir` names, else GnuPG's default. */
export function gpgHome({ options, context }: Pick<OstreeCall, 'options' | 'context'>): string {
  const given = options.string('gpg-homedir');
  return given === undefined ? defaultGpgHome(context.env) : resolve(context.cwd, given);
}

/**
 * A home with a `secring.gpg` of GnuPG 1: gpg takes its keys over the first time it signs, and what comes after may count
 * on that. Without gpg nothing is done; we read the old file ourselves.
 */
function migrateSecretRing(home: string): void {
  if (!existsSync(join(home, 'secring.gpg')) || existsSync(join(home, '.gpg-v21-migrated'))) return;
  spawnSync('gpg', ['--homedir', home, '--batch', '--list-secret-keys'], { stdio: 'ignore', timeout: 30_000 });
}

/**
 * Loads the key of `--gpg-sign`, which must not be expired or revoked. Throws in the original's words, which call the home
 * as it was `given`.
 */
export function gpgKey(home: string, keyId: string, given = '<default>'): SigningKey {
  migrateSecretRing(home);
  if (keyId.length < 8) throw new CoppiceError('NotFound', `Unable to lookup key ID ${keyId}: GPGME: Invalid value`);
  try {
    const key = loadGpgHomeKey(home, keyId);
    checkUsable(home, key);
    return key;
  } catch (error) {
    if (error instanceof CoppiceError && error.code === 'NotFound')
      throw new CoppiceError('NotFound', `No gpg key found with ID ${keyId} (homedir: ${given})`, { cause: error });
    throw error;
  }
}

function checkUsable(home: string, key: SigningKey): void {
  const found = gpgHomeKeyring(home).find(key.public.fingerprint);
  if (found === undefined) return;
  const now = Math.floor(systemClock.now() / 1000);
  for (const { expires, revoked } of [found.standing, found.certificate.primary])
    if (revoked || (expires !== 0 && expires <= now))
      throw new CoppiceError('Signature', 'Failure signing commit file: GPGME: Unusable secret key');
}

/** What the signing options of a call ask for, in the order they are applied. */
export function signersOf(call: OstreeCall): Signer[] {
  const { options, context } = call;
  const out: Signer[] = [];
  const gpg = options.strings('gpg-sign');
  for (const keyId of gpg) {
    const key = gpgKey(gpgHome(call), keyId, options.string('gpg-homedir'));
    out.push((data, dict) => withGpgSignature(dict, sign(key, data, { clock: call.repo.clock })));
  }
  const engine = signEngine(options.string('sign-type') ?? 'ed25519', context.env);
  for (const key of options.strings('sign'))
    out.push((data, dict) => withEngineSignature(engine, dict, engine.sign(key, data)));
  return out;
}
