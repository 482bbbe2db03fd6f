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

export async function planInstall(context: Context, packages: readonly string[], flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  const current = client.originMerge;
  const isFile = (argument: string): boolean => argument.endsWith('.rpm');
  const files = packages.filter(isFile).map((path) => resolve(context.cwd, path));
  const origin = changePackages(client, client.origin(current), baseOf(client.repo, current.checksum), {
    install: packages.filter((p) => !isFile(p)),
    uninstall: flags.uninstall ?? [],
    allowInactive: true,
  });
  return await show(context, client, flags, `install ${packages.join(' ')}`, origin, false, files);
}

export async function planUpgrade(context: Context, flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  return await show(context, client, flags, 'upgrade', client.origin(client.originMerge), true);
}

export async function planRebase(context: Context, refspec: string, flags: PlanFlags): Promise<number> {
  const client = open(context, flags);
  const origin = client.origin(client.originMerge);
  const { overrideCommit: _pinned, ...kept } = origin;
  return await show(
    context,
    client,
    flags,
    `rebase ${refspec}`,
    { ...kept, refspec: resolveRebaseTarget(refspec, origin.refspec) },
    true,
  );
}
