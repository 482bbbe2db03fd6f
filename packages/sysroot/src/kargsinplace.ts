// Kernel arguments changed in the entry files that are in force, without a swap: for small additions on every deployment.

import { CoppiceError } from '@coppice/base';
import { Variant, VariantDict } from '@coppice/gvariant';
import { readFile, replaceFile } from '@coppice/linux';
import type { Deployment } from './deployment.ts';
import { entryFileName } from './entries.ts';
import { splitKernelArguments } from './kargs.ts';
import { stagedPath } from './stagedstate.ts';
import type { Sysroot } from './sysroot.ts';

/** Replaces the `options` of a deployment's entry (or the arguments of the staged one). The file is replaced atomically. */
export function setKernelArgumentsInPlace(sysroot: Sysroot, deployment: Deployment, options: string): void {
  const { fs, path, host } = sysroot;
  if (deployment.staged) {
    const file = stagedPath(host);
    const dict = VariantDict.decode(readFile(file, { fs, limit: 1 << 20 }));
    dict.set('kargs', Variant.strings(splitKernelArguments(options, sysroot.compat.quotedKernelArguments)));
    replaceFile(file, dict.hashOrdered().encode(), { fs });
    return;
  }
  const entry = deployment.bootConfig;
  if (entry === undefined) throw new CoppiceError('NotFound', `Deployment ${deployment.name} has no boot entry`);
  entry.set('options', options);
  const old = sysroot.compat.stateRootInEntryName || sysroot.flags.oldEntryNames;
  const count = sysroot.deployments.filter((other) => !other.staged).length;
  const index = sysroot.deployments.filter((other) => !other.staged).indexOf(deployment);
  const name = entry.fileName ?? entryFileName({ number: count - index, osname: old ? deployment.osname : undefined });
  replaceFile(`${path}/boot/loader.${sysroot.bootVersion}/entries/${name}`, entry.toString(), { fs });
}
