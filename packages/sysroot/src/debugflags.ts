// OSTREE_SYSROOT_DEBUG and OSTREE_SYSROOT_OPTS: comma or space separated words that testers and installers set.

export interface SysrootFlags {
  /** Leave out the immutable flag on deployment roots. */
  readonly mutableDeployments: boolean;
  /** Fail at the freeze of /boot, to prove that nothing stays frozen. */
  readonly testFifreeze: boolean;
  readonly noXattrs: boolean;
  readonly noDeviceTree: boolean;
  readonly skipSync: boolean;
  readonly noEarlyPrune: boolean;
  readonly oldEntryNames: boolean;
}

export function sysrootFlags(env: Readonly<Record<string, string | undefined>>): SysrootFlags {
  const words = (name: string): Set<string> => new Set((env[name] ?? '').split(/[,:; \t]+/));
  const debug = words('OSTREE_SYSROOT_DEBUG');
  const opts = words('OSTREE_SYSROOT_OPTS');
  return {
    mutableDeployments: debug.has('mutable-deployments'),
    testFifreeze: debug.has('test-fifreeze'),
    noXattrs: debug.has('no-xattrs'),
    noDeviceTree: debug.has('no-dtb'),
    skipSync: opts.has('skip-sync'),
    noEarlyPrune: opts.has('no-early-prune'),
    oldEntryNames: opts.has('bootloader-naming-1'),
  };
}
