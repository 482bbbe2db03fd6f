// The original as a process, ours within this one.
import { execFile } from 'node:child_process';
import { messageOf } from '@coppice/base';
import { Exit, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/ostree/main.ts';
import type { Outcome } from './ostree-identical.ts';
import { judge, judgeLevel, original } from './ostree-support.ts';

export const theirs = (args: readonly string[]): Outcome => {
  const { status, stdout, stderr } = original(...args);
  // With -v, which is also a flag of `summary`, the library's notes to itself.
  return { status: status ?? -1, stdout, stderr: stderr.replace(/^OT: .*\n/gm, '') };
};

/** The original beside this process, which may be the server that it asks. */
export function theirsAside(args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', no_proxy: '', OSTREE_DUMMY_SIGN_ENABLED: '1' };
  return new Promise((done) => {
    execFile(judge, [...args], { env }, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

export async function ours(args: readonly string[], cwd = '/'): Promise<Outcome> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const env = {
    ...process.env,
    COPPICE_COMPAT: `ostree=${judgeLevel ?? '2022.7'}`,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    OSTREE_DUMMY_SIGN_ENABLED: '1',
  };
  let status: number;
  try {
    status = await run({ program: 'ostree', env, cwd, stdin: { isTTY: false }, stdout, stderr }, args);
  } catch (error) {
    status = error instanceof Exit ? error.status : 1;
    if (!(error instanceof Exit)) stderr.write(`error: ${messageOf(error)}\n`);
  }
  return { status, stdout: stdout.text, stderr: stderr.text };
}
