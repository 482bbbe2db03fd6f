import { CoppiceError } from '@coppice/base';
import { dummyEngine } from './dummy.ts';
import { ed25519Engine } from './ed25519.ts';
import { spkiEngine } from './spki.ts';

/** A signature engine of OSTree's sign API: raw keys, detached signatures kept under its own metadata key. */
export interface SignEngine {
  readonly name: string;
  /** Where its signatures lie in detached metadata, e.g. `ostree.sign.ed25519`. */
  readonly metadataKey: string;
  /** GVariant type of the list of signatures there. */
  readonly metadataType: 'aay' | 'as';
  /** Throws `Invalid` for text that is no secret key of this engine. */
  sign(secretKey: string, data: Uint8Array): Uint8Array;
  /** Checks a public key's form; gives its bytes. Throws `Invalid`. */
  publicKey(text: string): Uint8Array;
  verify(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean;
  /** How messages name a key. */
  describeKey(publicKey: Uint8Array): string;
  /** What is said when this key fits. */
  verifiedText(publicKey: Uint8Array): string;
  /** What is said when no key fits any of so many signatures, for engines that have words of their own. */
  failedText?(signatures: number): string;
  /** Keys in a key file. */
  keysInFile(text: string): string[];
}

/** The engine of this name. Throws `Unsupported` with OSTree's words. */
export function signEngine(name: string, env: Readonly<Record<string, string | undefined>> = process.env): SignEngine {
  if (name === 'ed25519') return ed25519Engine;
  if (name === 'spki') return spkiEngine;
  if (name === 'dummy') return dummyEngine(env);
  throw new CoppiceError('Unsupported', 'Requested signature type is not implemented');
}

export const signEngineNames: readonly string[] = ['ed25519', 'spki', 'dummy'];
