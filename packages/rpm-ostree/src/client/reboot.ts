// Rebooting after a change: on a machine through systemd, in an instance by a mark for whoever runs it.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { CoppiceError } from '@coppice/base';

const instanceMark = '/run/coppice/instance';
const requested = '/run/coppice/reboot-requested';

/** Asks for a reboot. Throws `Process` when systemctl fails. */
export function rebootSystem(): void {
  if (existsSync(instanceMark)) {
    writeFileSync(requested, '');
    return;
  }
  const result = spawnSync('systemctl', ['reboot'], { stdio: 'inherit' });
  if (result.status !== 0) throw new CoppiceError('Process', 'Failed to start a reboot: systemctl failed');
}
