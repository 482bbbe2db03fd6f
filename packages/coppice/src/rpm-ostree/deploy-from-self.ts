import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { takeEmbeddedCommit } from '@coppice/rpm-ostree';
import { mountedReadOnly } from './mounted-read-only.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

function must({ context }: VerbCall, program: string, args: readonly string[]): void {
  context.stdout.flush();
  const done = spawnSync(program, args, { stdio: ['inherit', 'inherit', 'pipe'], env: context.env, encoding: 'utf8' });
  if (done.error !== undefined) throw new CoppiceError('NotFound', `${program}: ${done.error.message}`);
  if (done.status === 0) return;
  const how = done.signal === null ? `exited with code ${done.status}` : `killed by signal ${done.signal}`;
  throw new CoppiceError('Process', `${program}: Child process ${how}: ${done.stderr.trimEnd()}`);
}

/** Copies the commit of the image at `root` to the system at the operand, whose own rpm-ostree deploys it. */
export async function deployFromSelf(call: VerbCall, root: string): Promise<number> {
  const { options, context } = call;
  const [operand] = options.operands;
  if (operand === undefined || options.operands.length > 1) call.usageError('TARGET_ROOT must be specified');
  const target = resolve(context.cwd, operand!);
  const sysroot = join(target, 'sysroot');
  if (mountedReadOnly(sysroot)) must(call, 'mount', ['-o', 'remount,rw', sysroot]);
  const commit = await takeEmbeddedCommit(root, sysroot, context.env);
  context.stdout.write(`Imported: ${commit}\n`);
  must(call, 'chroot', [target, 'rpm-ostree', 'rebase', commit, ...(options.flag('reboot') ? ['--reboot'] : [])]);
  return 0;
}

export const verb: Verb = {
  params: 'TARGET_ROOT',
  summary: 'Deploy the commit of this container image to a system',
  options: verbOptions([{ long: 'reboot', help: 'Reboot after performing operation' }], { daemon: false }),
  run: (call) => deployFromSelf(call, '/'),
};
