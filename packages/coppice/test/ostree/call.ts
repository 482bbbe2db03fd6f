import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@coppice/base';
import { afterAll } from 'vitest';
import { type Context, Exit, memoryOutput } from '../../src/cli/context.ts';
import { run } from '../../src/ostree/main.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process, with the launcher's way of printing errors. */
export async function ostree(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = { COPPICE_COMPAT: 'ostree=2022.7' },
): Promise<Outcome> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = { program: 'ostree', env: { ...env }, cwd, stdin: { isTTY: false }, stdout, stderr };
  let status: number;
  try {
    status = await run(context, args);
  } catch (error) {
    if (error instanceof Exit) status = error.status;
    else {
      stderr.write(`error: ${messageOf(error)}\n`);
      status = 1;
    }
  }
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** An empty folder that is removed after the file's tests. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coppice-ostree-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
