// Verbs that change a node by a deployment, and a container image in place: how the one is told from the other.
import type { GOption } from '../cli/goption.ts';
import { typeOf } from './cliwrap/host.ts';
import type { VerbCall } from './verb.ts';

/** Options that count in images only, where no configuration of repositories stays behind. */
export const containerOptions: readonly GOption[] = [
  {
    long: 'enablerepo',
    arg: 'REPO',
    type: 'strings',
    hidden: true,
    help: 'Enable the repository based on the repo id',
  },
  { long: 'disablerepo', arg: 'REPO', type: 'strings', hidden: true, help: "Only '*' is supported" },
  { long: 'releasever', arg: 'VERSION', hidden: true, help: 'Set the releasever' },
];

/** Whether the verb is about the image that it runs in. */
export function inContainer({ options }: VerbCall, root = '/'): boolean {
  return !options.has('sysroot') && typeOf(root) === 'ostree-container';
}

/** Adds and removes packages of the image. Its code is not a node's. */
export async function changeImage(
  call: VerbCall,
  wanted: readonly string[],
  removed: readonly string[],
): Promise<number> {
  const { changeContainer, containerChange } = await import('./container-change.ts');
  await changeContainer(call, '/', containerChange(call, wanted, removed));
  return 0;
}
