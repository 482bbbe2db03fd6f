import { existsSync } from 'node:fs';
import { finalizeStaged } from '@coppice/sysroot';
import { adminVerb } from './call.ts';

const inner = adminVerb({
  superuser: true,
  options: () => [{ long: 'hold', help: 'Hold /boot open during finalization' }],
  async run({ sysroot, options }) {
    if (!options.flag('hold')) {
      finalizeStaged(sysroot);
      return;
    }
    // Keeps /boot mounted until the unit that finalizes is done: an automount would leave it otherwise.
    const { openSync, closeSync } = await import('node:fs');
    const fd = openSync(`${sysroot.path}/boot`, 'r');
    await new Promise<void>((done) => {
      const keepAlive = setInterval(() => {}, 1 << 30);
      process.once('SIGTERM', () => {
        clearInterval(keepAlive);
        done();
      });
    });
    closeSync(fd);
  },
});

/** Run by a unit of the booted system only. */
export const verb: typeof inner = {
  ...inner,
  run: (call) => (existsSync('/run/ostree-booted') ? inner.run(call) : undefined),
};
