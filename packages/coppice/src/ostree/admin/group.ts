import type { OstreeGroup } from '../verb.ts';
import { adminOptions, isOld, openSysroot, printCurrentDir, sysrootPath } from './call.ts';

export const group: OstreeGroup = {
  params: '--print-current-dir|COMMAND',
  summary: 'Commands for managing a host system booted with ostree',
  column: (level) => (isOld(level) ? 19 : 25),
  options: () => adminOptions,
  bare(options, context, level) {
    if (!options.flag('print-current-dir')) return undefined;
    return printCurrentDir(context, openSysroot(context, level, sysrootPath(context, options)));
  },
  commands: [
    {
      name: 'boot-complete',
      summary: 'Internal command to run at boot after an update was applied',
      hidden: true,
      load: () => import('./boot-complete.ts'),
    },
    {
      name: 'state-overlay',
      summary: 'Internal command to assemble a state overlay',
      hidden: true,
      absent: isOld,
      load: () => import('./state-overlay.ts'),
    },
    {
      name: 'cleanup',
      summary: 'Delete untagged deployments and repository objects',
      load: () => import('./cleanup.ts'),
    },
    {
      name: 'config-diff',
      summary: 'Diff current /etc configuration versus default',
      load: () => import('./config-diff.ts'),
    },
    {
      name: 'deploy',
      summary: 'Checkout revision REFSPEC as the new default deployment',
      load: () => import('./deploy.ts'),
    },
    {
      name: 'finalize-staged',
      summary: 'Internal command to run at shutdown time',
      hidden: true,
      load: () => import('./finalize-staged.ts'),
    },
    {
      name: 'lock-finalization',
      summary: 'Change the finalization locking state of the staged deployment',
      absent: isOld,
      load: () => import('./lock-finalization.ts'),
    },
    {
      name: 'prepare-soft-reboot',
      summary: 'Prepare deployment for soft-reboot',
      absent: isOld,
      load: () => import('./prepare-soft-reboot.ts'),
    },
    {
      name: 'impl-prepare-soft-reboot',
      summary: 'Internal command to prepare for soft reboot',
      hidden: true,
      absent: isOld,
      load: () => import('./impl-prepare-soft-reboot.ts'),
    },
    { name: 'init-fs', summary: 'Initialize a root filesystem', load: () => import('./init-fs.ts') },
    {
      name: 'instutil',
      summary: 'Deprecated commands intended for installer programs',
      hidden: true,
      load: () => import('./instutil.ts'),
    },
    {
      name: 'os-init',
      summary: 'Initialize empty state for given operating system',
      load: () => import('./os-init.ts'),
    },
    {
      name: 'stateroot-init',
      summary: 'Initialize empty state for given operating system',
      absent: isOld,
      load: () => import('./os-init.ts'),
    },
    {
      name: 'pin',
      // Here too, so that the listing does not load the verb.
      summary: (level) =>
        `Change the "pinning" state of a deployment${isOld(level) ? '' : ', INDEX can be >= 0 or one of booted, pending or rollback strings'}`,
      load: () => import('./pin.ts'),
    },
    {
      name: 'post-copy',
      summary: 'Update the repo and deployments as needed after a copy',
      absent: isOld,
      load: () => import('./post-copy.ts'),
    },
    {
      name: 'set-origin',
      summary: 'Set Origin and create a new origin file',
      load: () => import('./set-origin.ts'),
    },
    { name: 'status', summary: 'List deployments', load: () => import('./status.ts') },
    {
      name: 'switch',
      summary: 'Construct new tree from REFSPEC and deploy it',
      load: () => import('./switch.ts'),
    },
    { name: 'undeploy', summary: 'Delete deployment INDEX', load: () => import('./undeploy.ts') },
    {
      name: 'set-default',
      summary: 'Make deployment INDEX the default',
      absent: isOld,
      load: () => import('./set-default.ts'),
    },
    {
      name: 'unlock',
      summary: 'Make the current deployment mutable (as a hotfix or development)',
      load: () => import('./unlock.ts'),
    },
    {
      name: 'upgrade',
      summary: 'Construct new tree from current origin and deploy it, if it changed',
      load: () => import('./upgrade.ts'),
    },
    { name: 'kargs', summary: 'Change kernel arguments', load: () => import('./kargs.ts') },
  ],
};
