import { CoppiceError } from '@coppice/base';
import { clearSoftReboot, prepareSoftReboot } from '@coppice/sysroot';
import { adminVerb, indexedDeployment } from './call.ts';

export const verb = adminVerb({
  params: 'INDEX',
  summary: 'Prepare deployment for soft-reboot',
  superuser: true,
  options: () => [
    { long: 'reboot', help: 'Initiate a soft reboot on success' },
    { long: 'reset', help: 'Undo queued soft reboot state' },
  ],
  async run({ sysroot, operands, options, usage }) {
    if (options.flag('reset')) {
      clearSoftReboot(sysroot);
      return;
    }
    const [text] = operands;
    if (text === undefined) return usage('INDEX must be specified');
    if (!/^\s*[+-]?[0-9]*$/.test(text)) throw new CoppiceError('Usage', `Invalid index: ${text}`);
    const target = indexedDeployment(sysroot, Number(text));
    if (target === sysroot.booted)
      throw new CoppiceError('NotFound', `Cannot prepare for soft-reboot currently booted deployment ${Number(text)}`);
    prepareSoftReboot(sysroot, target);
    if (!options.flag('reboot')) return;
    const { spawnSync } = await import('node:child_process');
    if (spawnSync('systemctl', ['soft-reboot'], { stdio: 'inherit' }).status !== 0)
      throw new CoppiceError('Process', 'exec(systemctl soft-reboot)');
  },
});
