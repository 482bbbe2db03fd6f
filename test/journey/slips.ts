// The differences that slips.md explains, as edits of the expected lines (already masked).

import type { Step } from './article.ts';

interface Slip {
  readonly command: RegExp;
  readonly edit: (lines: string[]) => string[];
}

const slips: readonly Slip[] = [
  {
    // Another machine, one release later; and a rendering without the leading blanks.
    command: /^ostree admin status$/,
    edit: (lines) =>
      lines
        .map((line) => line.replace('31.20200210.3.0', '31.20200118.3.0'))
        .map((line) => line.replace(/^(Version|origin)/, '    $1').replace(/^(?=fedora-coreos )/, '  ')),
  },
  {
    // A staged third deployment, layered too, has refs of its own.
    command: /^ostree refs$/,
    edit: (lines) =>
      lines.some((line) => line.endsWith('/testing')) ? [...lines, 'ostree/0/1/2', 'rpmostree/base/1'].sort() : lines,
  },
  {
    // libostree asks for 0660; the article's daemon had a stricter umask.
    command: /^ls -al \/ostree\/repo\/$/,
    edit: (lines) => lines.map((line) => line.replace(/^-rw------- (.*) \.lock$/, '-rw-r----- $1 .lock')),
  },
];

/** Expected lines of a step, corrected where the article slipped. */
export function withoutSlips(step: Step, expected: readonly string[]): string[] {
  let lines = [...expected];
  for (const slip of slips) if (slip.command.test(step.command)) lines = slip.edit(lines);
  return lines;
}
