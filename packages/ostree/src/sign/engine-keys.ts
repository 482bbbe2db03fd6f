import { CoppiceError, errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { type SignEngine, signEngine, signEngineNames } from '@coppice/signing';
import type { Remote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';

/** An engine with the public keys to try, best first. */
export interface Verifier {
  readonly engine: SignEngine;
  readonly keys: readonly Uint8Array[];
}

const keyFileLimit = 16 * 1024 * 1024;
const storeDirs = ['/etc/ostree', '/usr/share/ostree'];

/** Keys of a file, each line or block one key. Throws `NotFound` and the like with the file's name. */
export function readKeyFile(repo: Repo, engine: SignEngine, path: string): Uint8Array[] {
  let text: string;
  try {
    text = readFile(path, { fs: repo.fs, limit: keyFileLimit }).toString();
  } catch (error) {
    throw errnoError(error, `${engine.name}: Can't open file '${path}' with public keys`);
  }
  const keys: Uint8Array[] = [];
  for (const line of engine.keysInFile(text)) {
    try {
      keys.push(engine.publicKey(line));
    } catch {
      // As the original: a line that is no key is passed over.
    }
  }
  if (keys.length === 0) throw new CoppiceError('NotFound', `${engine.name}: no valid keys in file '${path}'`);
  return keys;
}

/** The system's stores: `trusted.ENGINE`, `trusted.ENGINE.d/`, less what `revoked.ENGINE` and its folder name. */
export function storedKeys(repo: Repo, engine: SignEngine, dirs: readonly string[] = storeDirs): Uint8Array[] {
  const collect = (kind: string): Uint8Array[] => {
    const out: Uint8Array[] = [];
    for (const dir of dirs) {
      const base = `${dir}/${kind}.${engine.name}`;
      const files = [base];
      try {
        files.push(
          ...repo.fs
            .readdir(`${base}.d`)
            .sort()
            .map((name) => `${base}.d/${name}`),
        );
      } catch {
        // No such folder.
      }
      for (const file of files) if (repo.fs.stat(file) !== undefined) out.push(...tryKeys(repo, engine, file));
    }
    return out;
  };
  const revoked = collect('revoked').map((key) => Buffer.from(key).toString('hex'));
  return collect('trusted').filter((key) => !revoked.includes(Buffer.from(key).toString('hex')));
}

function tryKeys(repo: Repo, engine: SignEngine, file: string): Uint8Array[] {
  try {
    return readKeyFile(repo, engine, file);
  } catch {
    return [];
  }
}

function remoteKeys(remote: Remote, engine: SignEngine): Uint8Array[] | undefined {
  const file = remote.string(`verification-${engine.name}-file`);
  const inline = remote.string(`verification-${engine.name}-key`);
  if (file === undefined && inline === undefined) return undefined;
  const keys: Uint8Array[] = [];
  if (file !== undefined) {
    try {
      keys.push(...readKeyFile(remote.repo, engine, file));
    } catch (error) {
      throw new CoppiceError('NotFound', `Failed loading '${engine.name}' keys from '${file}`, { cause: error });
    }
  }
  // Later keys are tried first.
  if (inline !== undefined) keys.unshift(engine.publicKey(inline));
  return keys;
}

/**
 * What a remote's `sign-verify` or `sign-verify-summary` asks for: undefined when off or empty; `true` means every engine with
 * whatever keys there are; a list means those engines, each of which must have keys.
 */
export function remoteVerifiers(remote: Remote, key: 'sign-verify' | 'sign-verify-summary'): Verifier[] | undefined {
  const text = remote.string(key);
  if (text === undefined || text === 'false' || text === '0') return undefined;
  const { env } = remote.repo;
  if (text === 'true' || text === '1') {
    return signEngineNames.map((name) => {
      const engine = signEngine(name, env);
      return { engine, keys: remoteKeys(remote, engine) ?? storedKeys(remote.repo, engine) };
    });
  }
  const names = remote.list(key) ?? [];
  if (names.length === 0) return undefined;
  return names.map((name) => {
    const engine = signEngine(name, env);
    const keys = remoteKeys(remote, engine) ?? storedKeys(remote.repo, engine);
    if (keys.length === 0) throw new CoppiceError('NotFound', `No keys found for required signapi type ${engine.name}`);
    return { engine, keys };
  });
}
