import { formatSize } from '@coppice/ostree';
import type { DeployPlan } from '@coppice/sysroot';

const outcomes = {
  kept: 'kept',
  'kept-over-new-default': 'kept; the new default is not seen',
  fails: 'STOPS THE DEPLOYMENT: a directory and a file meet',
} as const;

/** The plan for a person. */
export function planText(plan: DeployPlan): string {
  const { kernel, disk } = plan;
  const version = plan.version === undefined ? '' : ` (${plan.version})`;
  let out = `Deploy ${plan.checksum}${version} to ${plan.stateroot}\n`;
  out += `Configuration: ${plan.mergeFrom === null ? 'the defaults of the new tree' : `merged from ${plan.mergeFrom}`}\n`;
  for (const { path, change, outcome } of plan.etc) out += `  ${change.padEnd(8)} /etc/${path}: ${outcomes[outcome]}\n`;
  out += `Kernel: ${kernel.release}, ${formatSize(kernel.bytes)}${kernel.installed ? ', already in /boot' : ''}\n`;
  out += `Kernel arguments: ${plan.kernelArguments}\n`;
  out += `Boot menu (${plan.bootSwap ? 'entries are written anew' : 'only links change'}):\n`;
  for (const entry of plan.entries) {
    const own = entry.version === undefined ? '' : ` ${entry.version}`;
    out += `  ${entry.index} ${entry.stateroot} ${entry.checksum}.${entry.serial}${own}${entry.isNew ? ' (new)' : ''}\n`;
  }
  for (const gone of plan.removed) out += `Removed: ${gone}\n`;
  out += `Space: ${formatSize(disk.etcBytes)} for /etc of ${formatSize(disk.rootAvailable)}`;
  out += disk.bootBytes > 0 ? `, ${formatSize(disk.bootBytes)} in /boot of ${formatSize(disk.bootAvailable)}` : '';
  return `${out}${disk.fits ? '' : ': DOES NOT FIT'}\n`;
}
