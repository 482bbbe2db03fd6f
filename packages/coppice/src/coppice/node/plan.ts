import { resolve } from 'node:path';
import {
  baseOf,
  Client,
  changePackages,
  formatPlan,
  type Origin,
  planChange,
  planJson,
  resolveRebaseTarget,
  withoutOverrideCommit,
} from '@coppice/rpm-ostree';
import type { Context } from '../../cli/context.ts';

export interface PlanFlags {
  readonly sysroot?: string;
  readonly stateroot?: string;
  readonly files?: boolean;
  readonly offline?: boolean;
  readonly offlineCheck?: boolean;
  readonly json?: boolean;
  readonly uninstall?: readonly string[];
}

function open(context: Context, flags: PlanFlags): Client {
  return Client.open({
    ...(flags.sysroot === undefined ? {} : { sysroot: flags.sysroot }),
    ...(flags.stateroot === undefined ? {} : { stateroot: flags.stateroot }),
    env: context.env,
  });
}

/** Prints a plan; exit status 2 when it cannot be carried out. */
async function show(
  context: Context,
  client: Client,
  flags: PlanFlags,
  title: string,
  origin: Origin,
  newBase: boolean,
  packageFiles: readonly string[] = [],
): Promise<number> {
  const plan = await planChange(client, {
    title,
    origin,
    packageFiles,
    newBase,
    offline: flags.offline ?? false,
    checkOnly: flags.offlineCheck ?? false,
  });
  if (flags.json === true) context.stdout.write(`${JSON.stringify(planJson(plan), null, 2)}\n`);
  else if (flags.offlineCheck === true && plan.obstacles.length === 0)
    context.stdout.write('The layered packages resolve.\n');
  else context.stdout.write(formatPlan(plan, { files: flags.files ?? false }));
  return plan.obstacles.length > 0 ? 2 : 0;
}

/** The origin once packages are layered and dropped; files are looked at on their own. */
function changed(
  client: Client,
  flags: PlanFlags,
  packages: { readonly install: readonly string[]; readonly uninstall: readonly string[] },
): Origin {
  const current = client.originMerge;
  const origin = withoutOverrideCommit(client.origin(current));
  const uninstall = [...packages.uninstall, ...(flags.uninstall ?? [])];
  if (packages.install.length + uninstall.length === 0) return origin;
  return changePackages(client, origin, baseOf(client.repo, current.checksum), {
    install: packages.install,
    uninstall,
    allowInactive: true,
  });
}

export async function planInstall(context: Context, packages: readonly string[], flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  const isFile = (argument: string): boolean => argument.endsWith('.rpm');
  const files = packages.filter(isFile).map((path) => resolve(context.cwd, path));
  const origin = changed(client, flags, { install: packages.filter((p) => !isFile(p)), uninstall: [] });
  return await show(context, client, flags, `install ${packages.join(' ')}`, origin, false, files);
}

/** Offline, as the uninstallation itself. */
export async function planUninstall(context: Context, packages: readonly string[], flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  const origin = changed(client, flags, { install: [], uninstall: packages });
  return await show(context, client, { ...flags, offline: true }, `uninstall ${packages.join(' ')}`, origin, false);
}

export async function planUpgrade(context: Context, flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  return await show(context, client, flags, 'upgrade', changed(client, flags, { install: [], uninstall: [] }), true);
}

export async function planRebase(context: Context, refspec: string, flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  const origin = changed(client, flags, { install: [], uninstall: [] });
  const next = { ...origin, refspec: resolveRebaseTarget(refspec, origin.refspec) };
  return await show(context, client, flags, `rebase ${refspec}`, next, true);
}
