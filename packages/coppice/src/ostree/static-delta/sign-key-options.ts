import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { readKeyFile, storedKeys, type Verifier } from '@coppice/ostree';
import { type SignEngine, signEngine } from '@coppice/signing';
import type { GOption } from '../../cli/goption.ts';
import type { OstreeCall } from '../verb.ts';

/** `--sign-type`, and the key files of builds with raw-key engines (accepted, not shown). */
export const signTypeOptions: readonly GOption[] = [
  { long: 'sign-type', arg: 'NAME', help: "Signature type to use (defaults to 'ed25519')" },
  { long: 'keys-file', arg: 'NAME', filename: true, help: 'Read key(s) from file', hidden: true },
  {
    long: 'keys-dir',
    arg: 'NAME',
    filename: true,
    help: 'Redefine system-wide directories with public and revoked keys',
    hidden: true,
  },
];

export function engineOf({ options, context }: OstreeCall): SignEngine {
  return signEngine(options.string('sign-type') ?? 'ed25519', context.env);
}

/** Secret keys given in words and in `--keys-file`. */
export function secretKeys(call: OstreeCall, engine: SignEngine, words: readonly string[]): string[] {
  const file = call.options.string('keys-file');
  if (file === undefined) return [...words];
  let text: string;
  try {
    text = readFileSync(resolve(call.context.cwd, file), 'utf8');
  } catch (error) {
    throw errnoError(error, `open(${file})`);
  }
  return [...words, ...engine.keysInFile(text)];
}

/** Public keys given in words, files and folders, else the system's; with `optional`, undefined when none are named. */
export function verifierOf(call: OstreeCall, words: readonly string[], optional: boolean): Verifier | undefined {
  const { options, repo, context } = call;
  const file = options.string('keys-file');
  const dir = options.string('keys-dir');
  if (optional && words.length === 0 && file === undefined && dir === undefined) return undefined;
  const engine = engineOf(call);
  const keys = words.map((word) => engine.publicKey(word));
  if (file !== undefined) keys.unshift(...readKeyFile(repo, engine, resolve(context.cwd, file)));
  if (keys.length === 0)
    keys.push(...storedKeys(repo, engine, dir === undefined ? undefined : [resolve(context.cwd, dir)]));
  if (keys.length === 0) throw new CoppiceError('NotFound', `${engine.name}: no keys to check the signature with`);
  return { engine, keys };
}
