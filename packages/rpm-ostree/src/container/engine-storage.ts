// Images in a container engine's storage. Its format is the engine's own: skopeo carries them to a layout and back, as the
// original has it do.
import { spawnSync } from 'node:child_process';
import { CoppiceError } from '@coppice/base';

type Environment = Readonly<Record<string, string | undefined>>;

export const engineTransport = 'containers-storage';
/** Name of the one image in a layout that is only passed on. */
export const passedReference = 'image';

/** Copies an image between two places as skopeo names them. Throws `Unsupported` without skopeo, `NotFound`, `Process`. */
export function copyImage(from: string, to: string, env: Environment = process.env): void {
  const program = env['COPPICE_SKOPEO'] ?? 'skopeo';
  const args = ['copy', '--quiet', '--insecure-policy', from, to];
  const done = spawnSync(program, args, { encoding: 'utf8', env: { ...env }, maxBuffer: 1 << 24 });
  if (done.error !== undefined)
    throw new CoppiceError('Unsupported', `Failed to run ${program}, which images of container engines need`);
  if (done.status === 0) return;
  const last = done.stderr.trim().split('\n').at(-1) ?? '';
  const said = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replace(/\\(.)/g, '$1') ?? last;
  throw new CoppiceError('Process', `skopeo copy ${from} ${to}: ${said}`);
}
