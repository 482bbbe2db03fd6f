// `ostree/prepare-root.conf` of a tree and the kernel argument that overrides it: how its root is mounted.

import { CoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { KeyFile } from '@coppice/keyfile';
import { readFile } from '@coppice/linux';
import { parseTristate, type Tristate } from '@coppice/ostree';
import { splitKernelArguments } from './kargs.ts';

export interface PrepareRootConfig {
  readonly composefs: Tristate;
  /** The image must carry the digest that the kernel measures. */
  readonly requireVerity: boolean;
  /** The commit must be signed with a key of the initramfs. */
  readonly signed: boolean;
  /** Changes of `/` go to memory; `read-only` until someone remounts it. */
  readonly rootTransient: 'no' | 'yes' | 'read-only';
  readonly etcTransient: boolean;
}

/** Of the files below `tree`, the one in etc counts alone when it is there. Throws `Invalid` on values that mean nothing. */
export function readPrepareRoot(fs: FileSystem, tree: string, cmdline: string): PrepareRootConfig {
  let config = KeyFile.parse('');
  for (const name of ['usr/lib', 'etc']) {
    const path = `${tree}/${name}/ostree/prepare-root.conf`;
    if (fs.stat(path) !== undefined) config = KeyFile.parse(readFile(path, { fs, limit: 1 << 20 }));
  }
  try {
    const transient = config.boolean('root', 'transient', false);
    const transientReadOnly = config.boolean('root', 'transient-ro', false);
    if (transient && transientReadOnly)
      throw new CoppiceError('Invalid', 'Cannot set both root.transient and root.transient-ro');
    const enabled = config.string('composefs', 'enabled', 'no');
    let verified = enabled === 'signed' || enabled === 'verity';
    let signed = enabled === 'signed';
    let composefs: Tristate = verified ? 'yes' : parseTristate(enabled);
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
      composefs: composefs,
      requireVerity: verified,
      signed,
      rootTransient: transient ? 'yes' : transientReadOnly ? 'read-only' : 'no',
      etcTransient: config.boolean('etc', 'transient', false),
    };
  } catch (error) {
    throw prefixError(error, 'Parsing rootfs config');
  }
}
