import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import { billOfMaterials, Client, cycloneDx, spdx } from '@coppice/rpm-ostree';
import type { Context } from '../../cli/context.ts';

export interface SbomFlags {
  readonly sysroot?: string;
  readonly repo?: string;
  readonly format: string;
}

/** The repository and commit that the arguments mean: a ref, a checksum, a deployment's index, or the booted deployment. */
function target(
  context: Context,
  ref: string | undefined,
  flags: SbomFlags,
): { readonly repo: Repo; readonly commit: string } {
  if (flags.repo !== undefined) {
    const repo = Repo.open(flags.repo, { env: context.env });
    if (ref === undefined) throw new CoppiceError('Usage', 'a ref is needed with --repo');
    return { repo, commit: repo.resolveRev(ref) };
  }
  const client = Client.open({ ...(flags.sysroot === undefined ? {} : { sysroot: flags.sysroot }), env: context.env });
  const deployment =
    ref === undefined
      ? (client.booted ?? client.originMerge)
      : /^\d+$/.test(ref)
        ? client.sysroot.deployments[Number(ref)]
        : undefined;
  if (deployment !== undefined) return { repo: client.repo, commit: deployment.checksum };
  return { repo: client.repo, commit: client.repo.resolveRev(ref!) };
}

export function printSbom(context: Context, ref: string | undefined, flags: SbomFlags): void {
  const write = { spdx, cyclonedx: cycloneDx }[flags.format];
  if (write === undefined)
    throw new CoppiceError('Usage', `unknown format ${JSON.stringify(flags.format)}: spdx or cyclonedx`);
  const { repo, commit } = target(context, ref, flags);
  context.stdout.write(`${JSON.stringify(write(billOfMaterials(repo, commit)), null, 2)}\n`);
}
