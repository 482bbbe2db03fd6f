import { CoppiceError, messageOf, prefixError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import type { SignEngine } from '@coppice/signing';
import type { Repo } from '../repo.ts';
import type { Verifier } from './engine-keys.ts';

/** An engine's signatures in detached metadata; undefined when the key is absent. */
export function engineSignatures(
  engine: SignEngine,
  dict: ReadonlyMap<string, Variant> | undefined,
): Uint8Array[] | undefined {
  const found = dict?.get(engine.metadataKey);
  return found?.type === engine.metadataType ? (found.value as unknown as Uint8Array[]) : undefined;
}

/** Checks a list of signatures with the given keys. Gives the success text; throws `Signature` with the failure text. */
export function verifyWithKeys(verifier: Verifier, data: Uint8Array, signatures: readonly Uint8Array[]): string {
  const { engine, keys } = verifier;
  if (signatures.length === 0) throw new CoppiceError('Signature', `${engine.name}: no signatures found`);
  const tried: string[] = [];
  if (keys.length === 0 && engine.failedText === undefined)
    throw new CoppiceError('Signature', `${engine.name}: no keys to check signatures with`);
  for (const signature of signatures) {
    for (const key of keys) {
      if (engine.verify(key, data, signature)) return engine.verifiedText(key);
      tried.push(`key '${engine.describeKey(key)}'`);
    }
  }
  if (engine.failedText !== undefined) throw new CoppiceError('Signature', engine.failedText(signatures.length));
  if (tried.length > 3)
    throw new CoppiceError('Signature', `${engine.name}: Signature couldn't be verified; tried ${tried.length} keys`);
  throw new CoppiceError('Signature', `${engine.name}: Signature couldn't be verified with: ${tried.join('; ')}`);
}

/** Success when any engine has one valid signature. Gives its text; throws `Signature`. */
export function verifyWithEngines(
  verifiers: readonly Verifier[],
  data: Uint8Array,
  dict: ReadonlyMap<string, Variant>,
): string {
  let failure: CoppiceError | undefined;
  let invalid = 0;
  let found = false;
  for (const verifier of verifiers) {
    const signatures = engineSignatures(verifier.engine, dict);
    if (signatures === undefined) continue;
    found = true;
    try {
      return verifyWithKeys(verifier, data, signatures);
    } catch (error) {
      invalid++;
      failure ??= new CoppiceError('Signature', messageOf(error), { cause: error });
    }
  }
  if (!found || failure === undefined) throw new CoppiceError('Signature', 'No signatures found');
  if (invalid > 1)
    throw new CoppiceError('Signature', `(${invalid - 1} other invalid signatures): ${failure.message}`, {
      cause: failure,
    });
  throw failure;
}

/** `dict` with one more signature of this engine. */
export function withEngineSignature(
  engine: SignEngine,
  dict: ReadonlyMap<string, Variant> | undefined,
  signature: Uint8Array,
): VariantDict {
  const out = new VariantDict(dict ?? []);
  out.set(engine.metadataKey, new Variant('aay', [...(engineSignatures(engine, dict) ?? []), signature]));
  return out.hashOrdered();
}

/** Signs a stored commit with a raw secret key. */
export function engineSignCommit(repo: Repo, commit: string, engine: SignEngine, secretKey: string): void {
  const signature = engine.sign(secretKey, repo.loadCommitBytes(commit));
  const signed = withEngineSignature(engine, repo.loadDetachedMetadata(commit), signature);
  try {
    repo.writeDetachedMetadata(commit, signed);
  } catch (error) {
    throw prefixError(error, 'Unable to write detached metadata');
  }
}
