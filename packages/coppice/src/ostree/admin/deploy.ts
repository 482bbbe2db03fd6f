import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { CoppiceError, prefixError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { HelperThread } from '@coppice/ostree';
import {
  cleanupSysroot,
  deployTree,
  KernelArguments,
  Origin,
  simpleWriteDeployment,
  stageOverlayInitrd,
  stageTree,
} from '@coppice/sysroot';
import { type AdminCall, adminVerb, isOld, requireBootedOrOs } from './call.ts';

export const verb = adminVerb({
  params: 'REFSPEC',
  summary: 'Checkout revision REFSPEC as the new default deployment',
  superuser: true,
  options: (level) => [
    { long: 'os', arg: 'OSNAME', help: 'Use a different operating system root than the current one' },
    ...(isOld(level) ? [] : [{ long: 'stateroot', arg: 'STATEROOT', help: 'Target the provided stateroot' }]),
    { long: 'origin-file', arg: 'FILENAME', filename: true, help: 'Specify origin file' },
    { long: 'no-prune', help: "Don't prune the repo when done" },
    { long: 'no-merge', help: 'Do not apply configuration (/etc and kernel arguments) from booted deployment' },
    { long: 'retain', help: 'Do not delete previous deployments' },
    { long: 'stage', help: 'Complete deployment at OS shutdown' },
    {
      long: 'lock-finalization',
      help: 'Prevent automatic deployment finalization on shutdown',
      ...(isOld(level) ? { hidden: true } : {}),
    },
    { long: 'retain-pending', help: 'Do not delete pending deployments' },
    { long: 'retain-rollback', help: 'Do not delete rollback deployments' },
    { long: 'not-as-default', help: 'Append rather than prepend new deployment' },
    { long: 'karg-proc-cmdline', help: 'Import current /proc/cmdline' },
    {
      long: 'karg',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Set kernel argument, like root=/dev/sda1; this overrides any earlier argument with the same name',
    },
    {
      long: 'karg-append',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Append kernel argument; useful with e.g. console= that can be used multiple times',
    },
    { long: 'karg-none', help: 'Do not import kernel arguments' },
    {
      long: 'karg-delete',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: isOld(level)
        ? 'Delete kernel argument if exists'
        : 'Delete kernel argument if exists, can be used multiple times',
    },
    { long: 'overlay-initrd', arg: 'FILE', type: 'strings', help: 'Overlay iniramfs file' },
  ],
  run(call) {
    const { options, operands, sysroot } = call;
    const [refspec] = operands;
    if (refspec === undefined) return call.usage('REF/REV must be specified');
    if (options.flag('karg-proc-cmdline') && options.flag('karg-none'))
      return call.usage("Can't specify both --karg-proc-cmdline and --karg-none");
    if (options.flag('karg-none') && options.strings('karg-delete').length > 0)
      return call.usage("Can't specify both --karg-none and --karg-delete");
    if (options.flag('no-merge') && options.strings('karg-delete').length > 0)
      return call.usage("Can't specify both --no-merge and --karg-delete");
    const named = options.string('stateroot') ?? options.string('os');
    try {
      requireBootedOrOs(sysroot, named);
    } catch (error) {
      throw prefixError(error, 'Looking for booted deployment');
    }
    const osname = named ?? sysroot.requireBooted().osname;
    const origin = originOf(call, refspec);
    const checksum = sysroot.repo.resolveRev(refspec);
    const merge = options.flag('no-merge') ? undefined : sysroot.mergeDeployment(osname);
    try {
      cleanupSysroot(sysroot, { prune: false });
    } catch (error) {
      throw prefixError(error, 'Performing initial cleanup');
    }
    const kernelArguments = kernelArgumentsOf(call, merge?.options);
    const overlays = options
      .strings('overlay-initrd')
      .map((path) => stageOverlayInitrd(sysroot, resolve(call.context.cwd, path), path));
    // A second thread, if there is a second processor; it starts only when there is enough to link.
    const helper = availableParallelism() > 1 ? new HelperThread() : undefined;
    const how = {
      mergeDeployment: merge,
      helper,
      kernelArguments,
      ...(overlays.length === 0 ? {} : { overlayInitrds: overlays }),
    };
    const locked = options.flag('lock-finalization');
    const staged = options.flag('stage') || (locked && !isOld(call.level));
    try {
      if (staged) {
        if (options.flag('retain-pending') || options.flag('retain-rollback'))
          throw new CoppiceError('Usage', '--stage cannot currently be combined with --retain arguments');
        if (options.flag('not-as-default'))
          throw new CoppiceError('Usage', '--stage cannot currently be combined with --not-as-default');
        stageTree(sysroot, osname, checksum, origin, { ...how, locked });
      } else {
        const fresh = deployTree(sysroot, osname, checksum, origin, how);
        const retain = options.flag('retain');
        simpleWriteDeployment(sysroot, fresh, {
          osname,
          merge,
          retain,
          retainPending: !retain && options.flag('retain-pending'),
          retainRollback: !retain && options.flag('retain-rollback'),
          notAsDefault: options.flag('not-as-default'),
          cleanup: false,
        });
      }
      cleanupSysroot(sysroot, { prune: !options.flag('no-prune') && !staged, helper });
    } finally {
      helper?.close();
    }
  },
});

function originOf({ options, context }: AdminCall, refspec: string): Origin {
  const file = options.string('origin-file');
  if (file === undefined) return Origin.fromRefspec(refspec);
  try {
    return Origin.parse(readFile(resolve(context.cwd, file), { limit: 1 << 20 }));
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    throw new CoppiceError('NotFound', 'No such file or directory', { cause: error });
  }
}

/** Undefined: take over those of the merge deployment as they are. */
function kernelArgumentsOf(call: AdminCall, inherited: string | undefined): string[] | undefined {
  const { options, sysroot } = call;
  const quoted = sysroot.compat.quotedKernelArguments;
  const set = options.strings('karg');
  const append = options.strings('karg-append');
  const remove = options.strings('karg-delete');
  const changes = set.length + append.length + remove.length > 0;
  let kargs: KernelArguments | undefined;
  if (options.flag('karg-none')) kargs = new KernelArguments([], quoted);
  else if (options.flag('karg-proc-cmdline'))
    kargs = KernelArguments.fromProcCmdline(sysroot.host.procCmdline(), quoted);
  else if (changes) kargs = KernelArguments.parse(inherited, quoted);
  if (kargs === undefined) return undefined;
  kargs.replaceAll(set);
  kargs.appendAll(append);
  for (const argument of remove) {
    if (isOld(call.level)) kargs.delete(argument);
    else kargs.deleteIfPresent(argument);
  }
  return kargs.toArray();
}
