import { CoppiceError } from '@coppice/base';
import type { OstreeLevel } from '@coppice/ostree';
import { type Deployment, type Sysroot, setPinned } from '@coppice/sysroot';
import { adminVerb, indexedDeployment, isOld } from './call.ts';

const pinSummary = (level: OstreeLevel): string =>
  `Change the "pinning" state of a deployment${isOld(level) ? '' : ', INDEX can be >= 0 or one of booted, pending or rollback strings'}`;

export const verb = adminVerb({
  params: 'INDEX',
  summary: pinSummary,
  superuser: true,
  options: () => [{ long: 'unpin', short: 'u', help: 'Unset pin' }],
  run({ sysroot, operands, options, usage, print, level }) {
    if (operands.length === 0) usage('INDEX must be specified');
    const wanted = !options.flag('unpin');
    const word = wanted ? 'pinned' : 'unpinned';
    for (const text of operands) {
      const deployment = deploymentNamed(sysroot, text, level);
      if (deployment.pinned === wanted) {
        print(`Deployment ${text} is already ${word}`);
        continue;
      }
      setPinned(sysroot, deployment, wanted);
      print(`Deployment ${text} is now ${word}`);
    }
  },
});

/** By index, or, in newer releases, as `booted`, `pending`, `rollback`. */
function deploymentNamed(sysroot: Sysroot, text: string, level: OstreeLevel): Deployment {
  const { pending, rollback } = sysroot.pendingAndRollback();
  const named: Readonly<Record<string, Deployment | undefined>> = { booted: sysroot.booted, pending, rollback };
  if (!isOld(level) && Object.hasOwn(named, text)) {
    const found = named[text];
    if (found === undefined) throw new CoppiceError('NotFound', `Deployment type not found: ${text}`);
    return found;
  }
  if (!/^[0-9]*$/.test(text)) throw new CoppiceError('Usage', `Invalid index: ${text}`);
  const index = Number(text);
  if (index > 0x7fffffff) throw new CoppiceError('Usage', `Index too large: ${text}`);
  return indexedDeployment(sysroot, index);
}
