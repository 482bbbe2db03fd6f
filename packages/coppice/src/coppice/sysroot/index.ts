import { resolve } from 'node:path';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { eraLevel, levels } from '@coppice/ostree/compat';
import { checkSysroot, generateSystemUnits, planDeploy, Sysroot, sysrootCompat } from '@coppice/sysroot';
import { compatLevel } from '../../cli/compat.ts';
import type { VerbFamily } from '../verbs.ts';
import { checkText } from './check.ts';
import { planText } from './plan.ts';

interface PlanFlags {
  readonly sysroot: string;
  readonly os?: string;
  readonly merge: boolean;
  readonly retain?: boolean;
  readonly retainPending?: boolean;
  readonly retainRollback?: boolean;
  readonly notAsDefault?: boolean;
  readonly karg: string[];
  readonly kargAppend: string[];
  readonly kargDelete: string[];
  readonly json?: boolean;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

/** `coppice sysroot plan|check|generator`: look before a deployment, and after something went wrong; and what systemd calls. */
export const define: VerbFamily['define'] = (command, context, exit) => {
  command
    .command('plan')
    .description('tell what deploying REFSPEC would do: /etc merge, boot menu, deletions, space')
    .argument('<refspec>', 'a ref or checksum in the sysroot’s repository')
    .option('--sysroot <path>', 'the physical root', '/')
    .option('--os <name>', 'the stateroot (default: the booted one)')
    .option('--no-merge', 'take over no configuration')
    .option('--retain', 'keep every old deployment')
    .option('--retain-pending', 'keep pending deployments')
    .option('--retain-rollback', 'keep rollback deployments')
    .option('--not-as-default', 'do not make it the default')
    .option('--karg <name=value>', 'set a kernel argument', collect, [])
    .option('--karg-append <name=value>', 'append a kernel argument', collect, [])
    .option('--karg-delete <name=value>', 'delete a kernel argument', collect, [])
    .option('--json', 'print the plan as JSON')
    .action((refspec: string, flags: PlanFlags) => {
      const path = resolve(context.cwd, flags.sysroot);
      let sysroot: Sysroot;
      try {
        sysroot = Sysroot.open(path, {
          env: context.env,
          compat: compatLevel(context.env, 'ostree', levels, eraLevel),
        });
      } catch (error) {
        const broken = checkSysroot(path).some((finding) => finding.severity !== 'note');
        if (!broken || !isCoppiceError(error)) throw error;
        const command = `coppice sysroot check${path === '/' ? '' : ` --sysroot=${path}`}`;
        throw new CoppiceError(error.code, `${error.message}\n\`${command}\` explains it`, { cause: error });
      }
      const plan = planDeploy(sysroot, refspec, {
        osname: flags.os,
        noMerge: !flags.merge,
        retain: flags.retain === true,
        retainPending: flags.retainPending === true,
        retainRollback: flags.retainRollback === true,
        notAsDefault: flags.notAsDefault === true,
        setArguments: flags.karg,
        appendArguments: flags.kargAppend,
        deleteArguments: flags.kargDelete,
      });
      context.stdout.write(flags.json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan));
      if (plan.etc.some((change) => change.outcome === 'fails') || !plan.disk.fits) exit(1);
    });
  command
    .command('check')
    .description('find and explain broken states; exits 1 when something does not boot or is missing')
    .option('--sysroot <path>', 'the physical root', '/')
    .option('--deep', 'also read kernels and compare their checksums')
    .option('--json', 'print the findings as JSON')
    .action((flags: { sysroot: string; deep?: boolean; json?: boolean }) => {
      const findings = checkSysroot(resolve(context.cwd, flags.sysroot), { deep: flags.deep === true });
      context.stdout.write(flags.json ? `${JSON.stringify({ findings }, null, 2)}\n` : checkText(findings));
      if (findings.some((finding) => finding.severity !== 'note')) exit(1);
    });
  command
    .command('generator')
    .description('write the units of a booted deployment; systemd calls it early through ostree-system-generator')
    .argument('<normal>', 'folder for the units')
    .argument('[early]', 'not used')
    .argument('[late]', 'not used')
    .option('--root <path>', 'read the kernel arguments, fstab and /sysroot below this folder', '/')
    .option('--unit-path <path>', 'where the units are installed', '/usr/lib/systemd/system')
    .action((normal: string, _early: unknown, _late: unknown, flags: { root: string; unitPath: string }) => {
      generateSystemUnits(resolve(context.cwd, normal), {
        root: resolve(context.cwd, flags.root).replace(/\/$/, ''),
        unitPath: flags.unitPath,
        compat: sysrootCompat(compatLevel(context.env, 'ostree', levels, eraLevel)),
      });
    });
};
