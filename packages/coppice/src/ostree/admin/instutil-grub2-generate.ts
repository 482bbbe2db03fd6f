import { CoppiceError } from '@coppice/base';
import { grub2Menu } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

/** Called by GRUB's generator script, which sets the boot version and its own variables in the environment. */
export const verb = adminVerb({
  params: '[BOOTVERSION]',
  summary: 'Generate GRUB2 configuration from given BLS entries',
  superuser: true,
  unlocked: true,
  run({ sysroot, operands, context }) {
    const text = operands[0] ?? context.env['_OSTREE_GRUB2_BOOTVERSION'];
    let bootVersion = sysroot.bootVersion;
    if (text !== undefined) {
      if (text !== '0' && text !== '1') throw new CoppiceError('Usage', `Invalid bootversion: ${text}`);
      bootVersion = text === '0' ? 0 : 1;
    }
    context.stdout.write(grub2Menu(sysroot.entries(bootVersion), context.env));
  },
});
