import {
  baseOf,
  changeOverrides,
  changePackages,
  deployOrigin,
  type OverrideChange,
  withoutOverrideCommit,
} from '@coppice/rpm-ostree';
import { changeImage, inContainer } from './container-options.ts';
import { cacheOnly, dryRun, lockFinalization, packageOptions, reboot, stateroot } from './options.ts';
import { finishChange, inTransaction, openSystem } from './run.ts';
import type { VerbCall } from './verb.ts';

export const overrideOptions = [...stateroot, reboot, dryRun, lockFinalization, cacheOnly, ...packageOptions] as const;

/**
 * Carries out a change of overrides, with packages to layer or drop in the same deployment. Without anything new it works
 * offline; a replacement may need packages that the base lacks.
 */
export async function runOverride(call: VerbCall, change: OverrideChange, title: string): Promise<number> {
  const { options } = call;
  if (inContainer(call) && change.reset === undefined && change.from === undefined) {
    const wanted = [...(change.replace ?? []), ...options.strings('install')];
    const removed = [...(change.remove ?? []), ...options.strings('uninstall')];
    return await changeImage(call, wanted, removed);
  }
  const offline = (change.replace ?? []).length === 0 && options.strings('install').length === 0;
  const system = openSystem(call);
  const { client } = system;
  const outcome = await inTransaction(system, title, async () => {
    const previous = client.originMerge;
    const base = baseOf(client.repo, previous.checksum);
    let origin = await changeOverrides(client, withoutOverrideCommit(client.origin(previous)), base, change);
    const install = options.strings('install');
    const uninstall = options.strings('uninstall');
    if (install.length + uninstall.length > 0)
      origin = changePackages(client, origin, base, { install, uninstall, allowInactive: true });
    return await deployOrigin(client, {
      origin,
      pull: false,
      cacheOnly: offline || options.flag('cache-only'),
      dryRun: options.flag('dry-run'),
      lockFinalization: options.flag('lock-finalization'),
      showSteps: true,
    });
  });
  return finishChange(system, outcome, {
    reboot: options.flag('reboot'),
    unchangedExit77: false,
    hint: client.compat.upgradeRebootHint,
    ...((change.replace ?? []).length + (change.remove ?? []).length === 0
      ? {}
      : { note: 'Use "rpm-ostree override reset" to undo overrides' }),
    ...(options.flag('dry-run') ? {} : { unchanged: 'No change.' }),
  });
}
