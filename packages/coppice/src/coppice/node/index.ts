// coppice node: what a change of a node would do, and what is in it.
import type { VerbFamily } from '../verbs.ts';

export const define: VerbFamily['define'] = (command, context, exit) => {
  const plan = command.command('plan').description('tell what a change would do, without doing it');
  const common = (verb: ReturnType<typeof plan.command>) =>
    verb
      .option('--sysroot <path>', 'the system (default: the running one)')
      .option('--stateroot <name>', 'the stateroot')
      .option('--files', 'list every changed path')
      .option('--offline', 'use only what is here')
      .option('--offline-check', 'only find out whether the layered packages resolve')
      .option('--json', 'as JSON');
  common(plan.command('install <package...>').description('layer packages'))
    .option('--uninstall <package...>', 'drop layered packages')
    .action(async (packages: string[], flags) =>
      exit(await (await import('./plan.ts')).planInstall(context, packages, flags)),
    );
  common(plan.command('uninstall <package...>').description('drop layered packages')).action(
    async (packages: string[], flags) =>
      exit(await (await import('./plan.ts')).planUninstall(context, packages, flags)),
  );
  const uninstall = ['--uninstall <package...>', 'drop layered packages in the same deployment'] as const;
  common(plan.command('upgrade').description('the newest commit of the branch'))
    .option(...uninstall)
    .action(async (flags) => exit(await (await import('./plan.ts')).planUpgrade(context, flags)));
  common(plan.command('rebase <refspec>').description('another branch'))
    .option(...uninstall)
    .action(async (refspec: string, flags) =>
      exit(await (await import('./plan.ts')).planRebase(context, refspec, flags)),
    );
  command
    .command('sbom [ref]')
    .description('bill of materials of a commit or deployment (default: the booted or first one)')
    .option('--sysroot <path>', 'the system (default: the running one)')
    .option('--repo <path>', 'a repository instead of a system')
    .option('--format <format>', 'spdx or cyclonedx', 'spdx')
    .action(async (ref: string | undefined, flags) => (await import('./sbom.ts')).printSbom(context, ref, flags));
};
