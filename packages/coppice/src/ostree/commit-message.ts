import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { readText } from './commit-modifier.ts';
import type { OstreeCall } from './verb.ts';

export interface CommitMessage {
  readonly subject: string;
  readonly body: string;
}

/** Subject and body from `-s`, `-m`, `-F` or an editor. */
export function commitMessage(call: OstreeCall): CommitMessage {
  const { options } = call;
  const subject = options.string('subject') ?? '';
  if (options.flag('editor')) return editMessage(call, subject);
  const file = options.string('body-file');
  if (file === undefined) return { subject, body: options.string('body') ?? '' };
  return { subject, body: readText(call, file) };
}

function template(branch: string | undefined, subject: string): string {
  return `
# Please enter the commit message for your changes. The first line will
# become the subject, and the remainder the body. Lines starting
# with '#' will be ignored, and an empty message aborts the commit.
${branch === undefined ? '' : `#\n# Branch: ${branch}\n`}${subject === '' ? '' : `${subject}\n`}`;
}

function editMessage(call: OstreeCall, subject: string): CommitMessage {
  const { options, context } = call;
  const folder = mkdtempSync(join(context.env['TMPDIR'] ?? tmpdir(), 'ostree-commit-'));
  try {
    const path = join(folder, 'message');
    writeFileSync(path, template(options.string('branch'), subject));
    runEditor(call, path);
    return splitMessage(readFileSync(path, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runEditor({ context }: OstreeCall, path: string): void {
  const { env } = context;
  const editor = env['OSTREE_EDITOR'] ?? env['VISUAL'] ?? env['EDITOR'];
  if (editor === undefined && (env['TERM'] ?? 'dumb') === 'dumb') {
    throw new CoppiceError('Usage', 'Terminal is dumb, but EDITOR unset');
  }
  const command = editor ?? 'vi';
  context.stdout.flush();
  const done = spawnSync('/bin/sh', ['-c', `${command} "$0"`, path], { stdio: 'inherit' });
  if (done.status === 0) return;
  const why =
    done.signal === null
      ? `Child process exited with code ${done.status}`
      : `Child process killed by signal ${done.signal}`;
  throw new CoppiceError('Process', `There was a problem with the editor '${command}'${why}`);
}

/** The first line that is no comment is the subject; blank lines around the body go. */
function splitMessage(text: string): CommitMessage {
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => !line.startsWith('#'));
  while (lines[0] === '') lines.shift();
  while (lines.at(-1) === '') lines.pop();
  const subject = lines.shift();
  if (subject === undefined) throw new CoppiceError('Usage', 'Aborting commit due to empty commit subject.');
  while (lines[0] === '') lines.shift();
  return { subject, body: lines.length === 0 ? '' : `${lines.join('\n')}` };
}
