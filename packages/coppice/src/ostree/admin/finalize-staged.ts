import { existsSync } from 'node:fs';
import { finalizeStaged } from '@coppice/sysroot';
import type { OstreeVerb } from '../verb.ts';
import { adminVerb } from './call.ts';

const inner: OstreeVerb = adminVerb({
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

/** Run by a unit of the booted system only; anywhere else there is nothing to do, whatever the arguments. */
export const verb: OstreeVerb = { ...inner, early: () => (existsSync('/run/ostree-booted') ? undefined : 0) };
