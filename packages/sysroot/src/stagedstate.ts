// `/run/ostree/staged-deployment`: what remains to be done at shutdown for a deployment whose tree is already written.
// Serialized as a{sv} with keys in a fixed order.

import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { type Value, Variant, VariantDict } from '@coppice/gvariant';
import { readFile } from '@coppice/linux';
import { BootConfig } from './bootconfig.ts';
import { Deployment, parseDeploymentName } from './deployment.ts';
import type { Host } from './host.ts';
import { KernelArguments } from './kargs.ts';

export interface StagedState {
  /** Its `staged` flag is set; `bootConfig` holds the kernel arguments if any were given. */
  readonly target: Deployment;
  /** Stub of the deployment whose configuration is merged: stateroot, checksum and serial only. */
  readonly merge: Deployment | undefined;
  /** Undefined: inherit those of the merge deployment. */
  readonly kernelArguments: readonly string[] | undefined;
  readonly overlayInitrds: readonly string[] | undefined;
  readonly locked: boolean;
}

function deploymentVariant(deployment: Deployment): Variant {
  return new VariantDict([
    ['name', Variant.string(deployment.name)],
    ['osname', Variant.string(deployment.osname)],
    ['bootcsum', Variant.string(deployment.bootChecksum)],
  ]).toVariant();
}

function deploymentFrom(value: Value): Deployment {
  const dict = VariantDict.from(value);
  const need = (key: string): string => {
    const text = dict.lookupString(key);
    if (text === undefined) throw new CoppiceError('Invalid', `Missing key: ${key}`);
    return text;
  };
  const name = need('name');
  const bootChecksum = need('bootcsum');
  return new Deployment({ osname: need('osname'), ...parseDeploymentName(name), bootChecksum });
}

export function stagedPath(host: Host): string {
  return `${host.run}/staged-deployment`;
}

export function stagedLockPath(host: Host): string {
  return `${host.run}/staged-deployment-locked`;
}

export function encodeStaged(state: StagedState, options: { lockInState: boolean }): Uint8Array {
  const dict = new VariantDict([['target', deploymentVariant(state.target)]]);
  if (options.lockInState && state.locked) dict.set('locked', Variant.boolean(true));
  if (state.merge !== undefined) dict.set('merge-deployment', deploymentVariant(state.merge));
  if (state.kernelArguments !== undefined) dict.set('kargs', Variant.strings(state.kernelArguments));
  if (state.overlayInitrds !== undefined) dict.set('overlay-initrds', Variant.strings(state.overlayInitrds));
  return dict.encode();
}

/** Throws `Invalid` when a key is missing. Undefined when the record names no target. */
export function decodeStaged(bytes: Uint8Array): StagedState | undefined {
  const dict = VariantDict.decode(bytes);
  const target = dict.lookup('target', 'a{sv}');
  if (target === undefined) return undefined;
  const merge = dict.lookup('merge-deployment', 'a{sv}');
  const kernelArguments = dict.lookupStrings('kargs');
  const overlayInitrds = dict.lookupStrings('overlay-initrds');
  const locked = dict.lookupBoolean('locked') ?? false;
  const deployment = deploymentFrom(target);
  deployment.staged = true;
  deployment.finalizationLocked = locked;
  deployment.bootConfig = new BootConfig();
  if (kernelArguments !== undefined)
    deployment.bootConfig.set('options', new KernelArguments(kernelArguments).toString());
  deployment.overlayInitrds = overlayInitrds ?? [];
  return {
    target: deployment,
    merge: merge === undefined ? undefined : deploymentFrom(merge),
    kernelArguments,
    overlayInitrds,
    locked,
  };
}

export function readStaged(fs: FileSystem, host: Host): StagedState | undefined {
  const path = stagedPath(host);
  if (fs.stat(path) === undefined) return undefined;
  return decodeStaged(readFile(path, { fs, limit: 1 << 20 }));
}
