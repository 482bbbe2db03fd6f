// `ostree/prepare-root.conf` of a tree and the kernel argument that overrides it: how its root is mounted.

import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { KeyFile } from '@coppice/keyfile';
import { readFile } from '@coppice/linux';
import { parseTristate, type Tristate } from '@coppice/ostree';
import { splitKernelArguments } from './kargs.ts';

const defaultKeyPath = '/etc/ostree/initramfs-root-binding.key';

export interface PrepareRootConfig {
  readonly composefs: Tristate;
  /** The image must carry the digest that the kernel measures. */
  readonly requireVerity: boolean;
  /** The commit must be signed with a key of the initramfs. */
  readonly signed: boolean;
  /** Where the keys are, and the keys that were asked for and are needed. */
  readonly keyPath: string;
  readonly keys: readonly Buffer[];
  /** Changes of `/` go to memory; `read-only` until someone remounts it. */
  readonly rootTransient: 'no' | 'yes' | 'read-only';
  readonly etcTransient: boolean;
}

/** Public ed25519 keys, one a line in base64. */
function readRootKeys(fs: FileSystem, path: string): Buffer[] {
  let text: string;
  try {
    text = readFile(path, { fs, limit: 1 << 20 }).toString();
  } catch (error) {
    throw prefixError(errnoError(error, `Failed to open file “${path}”`), `Reading public key file '${path}'`);
  }
  const keys = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'base64'));
  if (keys.length === 0) throw new CoppiceError('NotFound', 'public key file specified, but no public keys found');
  return keys;
}

/** Of the files below `tree`, the one in etc counts alone when it is there. Throws `Invalid` on one that is no key file. */
export function loadPrepareRoot(fs: FileSystem, tree: string): KeyFile {
  let config = KeyFile.parse('');
  for (const name of ['usr/lib', 'etc']) {
    const path = `${tree}/${name}/ostree/prepare-root.conf`;
    if (fs.stat(path) !== undefined) config = KeyFile.parse(readFile(path, { fs, limit: 1 << 20 }));
  }
  return config;
}

/** What the file says. When it asks for signatures, the keys are read from `keys`. Throws `Invalid` on values that mean nothing. */
export function parsePrepareRoot(
  config: KeyFile,
  { cmdline = '', keys: keysFrom }: { cmdline?: string; keys?: FileSystem } = {},
): PrepareRootConfig {
  try {
    const transient = config.boolean('root', 'transient', false);
    const transientReadOnly = config.boolean('root', 'transient-ro', false);
    if (transient && transientReadOnly)
      throw new CoppiceError('Invalid', 'Cannot set both root.transient and root.transient-ro');
    const enabled = config.string('composefs', 'enabled', 'no');
    let verified = enabled === 'signed' || enabled === 'verity';
    let signed = enabled === 'signed';
    let composefs: Tristate = verified ? 'yes' : parseTristate(enabled);
    const keyPath = config.hasKey('composefs', 'keypath') ? (config.raw('composefs', 'keypath') ?? '') : defaultKeyPath;
    const keys = signed && keysFrom !== undefined ? readRootKeys(keysFrom, keyPath) : [];
    const argument = splitKernelArguments(cmdline.trim()).find((word) =>
      word.startsWith('ostree.prepare-root.composefs='),
    );
    if (argument !== undefined) {
      const value = argument.slice(argument.indexOf('=') + 1);
      signed = value === 'signed';
      verified ||= signed;
      try {
        composefs = signed ? 'yes' : parseTristate(value);
      } catch (error) {
        throw prefixError(error, 'handling karg ostree.prepare-root.composefs');
      }
    }
    return {
      composefs,
      requireVerity: verified,
      signed,
      keyPath,
      keys,
      rootTransient: transient ? 'yes' : transientReadOnly ? 'read-only' : 'no',
      etcTransient: config.boolean('etc', 'transient', false),
    };
  } catch (error) {
    throw prefixError(error, 'Parsing rootfs config');
  }
}
