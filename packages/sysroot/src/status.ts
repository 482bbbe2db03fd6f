// What `ostree admin status` prints: a list of plain records made from a sysroot, and their text and JSON forms.

import type { Deployment, UnlockedState } from './deployment.ts';
import type { Sysroot } from './sysroot.ts';

export interface DeploymentStatus {
  readonly checksum: string;
  readonly stateroot: string;
  /** Null when the origin has none. */
  readonly refspec: string | null;
  readonly serial: number;
  readonly index: number;
  readonly booted: boolean;
  readonly pending: boolean;
  readonly rollback: boolean;
  readonly finalizationLocked: boolean;
  readonly softRebootTarget: boolean;
  readonly staged: boolean;
  readonly pinned: boolean;
  readonly unlocked: UnlockedState;
  readonly version?: string;
  readonly sourceTitle?: string;
  /** False when there is no origin file at all. */
  readonly hasOrigin: boolean;
}

export function deploymentStatus(sysroot: Sysroot): DeploymentStatus[] {
  const { pending, rollback } =
    sysroot.booted === undefined ? { pending: undefined, rollback: undefined } : sysroot.pendingAndRollback();
  return sysroot.deployments.map((deployment: Deployment) => {
    const version = sysroot.versionOf(deployment);
    const sourceTitle = sysroot.sourceTitleOf(deployment);
    return {
      checksum: deployment.checksum,
      stateroot: deployment.osname,
      refspec: deployment.origin?.refspec ?? null,
      serial: deployment.deploySerial,
      index: deployment.index,
      booted: deployment === sysroot.booted,
      pending: deployment === pending,
      rollback: deployment === rollback,
      finalizationLocked: deployment.finalizationLocked,
      softRebootTarget: deployment.softRebootTarget,
      staged: deployment.staged,
      pinned: deployment.pinned,
      unlocked: deployment.unlocked,
      ...(version === undefined ? {} : { version }),
      ...(sourceTitle === undefined ? {} : { sourceTitle }),
      hasOrigin: deployment.origin !== undefined,
    };
  });
}

export interface StatusTextOptions {
  /** Shows that finalization of a staged deployment is locked. */
  readonly showLocked: boolean;
  /** Printed before and after what is to stand out; empty off a terminal. */
  readonly redBold?: readonly [string, string];
  /** Further lines of a deployment, such as its signatures. */
  readonly extra?: (status: DeploymentStatus) => string;
}

function stateOf(status: DeploymentStatus, options: StatusTextOptions): string {
  if (options.showLocked && status.staged && status.finalizationLocked) return ' (finalization locked)';
  if (status.staged) return ' (staged)';
  if (status.pending) return ' (pending)';
  return status.rollback ? ' (rollback)' : '';
}

export function statusText(list: readonly DeploymentStatus[], options: StatusTextOptions): string {
  if (list.length === 0) return 'No deployments.\n';
  const [on, off] = options.redBold ?? ['', ''];
  let out = '';
  for (const status of list) {
    out += `${status.booted ? '*' : ' '} ${status.stateroot} ${status.checksum}.${status.serial}`;
    out += `${stateOf(status, options)}${status.softRebootTarget ? ' (soft-reboot)' : ''}\n`;
    if (status.version !== undefined) out += `    Version: ${status.version}\n`;
    if (status.unlocked !== 'none') out += `    ${on}Unlocked: ${status.unlocked}${off}\n`;
    if (status.pinned) out += '    Pinned: yes\n';
    if (!status.hasOrigin) out += '    origin: none\n';
    else if (status.refspec === null) out += '    origin: <unknown origin type>\n';
    else out += `    origin refspec: ${status.refspec}\n`;
    if (status.hasOrigin && status.sourceTitle !== undefined) out += `    \`- ${status.sourceTitle}\n`;
    out += options.extra?.(status) ?? '';
  }
  return out;
}

/** JSON as the original prints it: three spaces a level, array elements joined by `},{`. */
export function statusJson(list: readonly DeploymentStatus[]): string {
  const deployments = list.map((status) => ({
    checksum: status.checksum,
    stateroot: status.stateroot,
    refspec: status.refspec,
    serial: status.serial,
    index: status.index,
    booted: status.booted,
    pending: status.pending,
    rollback: status.rollback,
    'finalization-locked': status.finalizationLocked,
    'soft-reboot-target': status.softRebootTarget,
    staged: status.staged,
    pinned: status.pinned,
    unlocked: status.unlocked,
    ...(status.version === undefined ? {} : { version: status.version }),
    ...(status.sourceTitle === undefined ? {} : { 'source-title': status.sourceTitle }),
  }));
  const elements = deployments.map((one) => JSON.stringify(one, null, 3).replaceAll('\n', '\n      '));
  return `{\n   "deployments": [\n${elements.length === 0 ? '' : '      '}${elements.join(',')}\n   ]\n}\n`;
}
