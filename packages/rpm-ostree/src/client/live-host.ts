// What apply-live needs of a running machine beyond files: mounts and systemd-tmpfiles.
import { spawnSync } from 'node:child_process';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import type { OverlayMounter } from '@coppice/sysroot';

export interface LiveHost {
  /** Throws unless a mount made now stays: a sandbox, or a chroot, has no running system to change. */
  readonly check: () => void;
  /** Mounts the overlay over /usr; default: mount(8). */
  readonly mount?: OverlayMounter;
  /** Makes /usr of the running system writable or read-only again. */
  readonly remount: (writable: boolean) => void;
  /** Creates what tmpfiles.d asks for below /run and /var of `root`. */
  readonly tmpfiles: (root: string) => void;
}

function run(program: string, args: readonly string[], failure: string): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return;
  const why = error?.message ?? stderr.trim().split('\n')[0] ?? '';
  throw new CoppiceError('Process', why === '' ? failure : `${failure}: ${why}`);
}

/** The machine this process runs on. */
export const liveHost: LiveHost = {
  check() {
    // What sd_booted(3) looks at.
    if (hostFs.lstat('/run/systemd/system') === undefined)
      throw new CoppiceError(
        'Unsupported',
        "Failed to unlock --transient: System has not been booted with systemd as init system (PID 1). Can't operate.",
      );
  },
  remount: (writable) =>
    run('mount', ['-o', `remount,${writable ? 'rw' : 'ro'}`, '/usr'], `Remounting /usr ${writable ? 'rw' : 'ro'}`),
  tmpfiles(root) {
    const at = root === '/' ? [] : [`--root=${root}`];
    for (const prefix of ['/run', '/var'])
      run('systemd-tmpfiles', ['--create', ...at, '--prefix', prefix], 'Failed to invoke systemd-tmpfiles');
  },
};
