import { describeGpgResults, type PullProgress, pullProgressLine } from '@coppice/ostree';
import type { VerifyResult } from '@coppice/signing';
import type { Context } from '../cli/context.ts';

const saveCursor = '\u001b7';
const restoreCursor = '\u001b8';

/** What a running pull shows: one rewritten line on a terminal, only the last line elsewhere. */
export class PullConsole {
  readonly #context: Context;
  readonly #plainSignatures: boolean;
  #shown = 0;
  #last = '';
  #saved = false;

  /** `plainSignatures`: tell of verified signatures where there is no terminal, too. */
  constructor(context: Context, plainSignatures = false) {
    this.#context = context;
    this.#plainSignatures = plainSignatures;
  }

  readonly progress = (p: PullProgress): void => {
    if (!this.#context.stdout.isTTY) return;
    const line = pullProgressLine(p);
    if (line !== this.#last) this.#draw(line);
  };

  #draw(line: string): void {
    const { stdout } = this.#context;
    const text = line.slice(0, Math.max(20, stdout.columns - 1));
    // Drawn over what was drawn last, blank to its end.
    const pad = ' '.repeat(Math.max(0, this.#shown - text.length));
    if (!this.#saved) stdout.write(saveCursor);
    this.#saved = true;
    stdout.write(`${restoreCursor}${text}${pad}`);
    this.#shown = text.length;
    this.#last = line;
  }

  readonly gpgResults = (_commit: string, results: readonly VerifyResult[]): void => {
    const count = results.length === 1 ? '1 signature' : `${results.length} signatures`;
    const { stdout } = this.#context;
    if (!stdout.isTTY && !this.#plainSignatures) return;
    const text = `GPG: Verification enabled, found ${count}:

${describeGpgResults(results, '  ')}`;
    stdout.write(
      stdout.isTTY
        ? `

${text}${saveCursor}`
        : `${text}
`,
    );
    this.#last = '';
  };

  /** Ends the line on a terminal; prints the last status elsewhere. */
  finish(status: string | undefined): void {
    const { stdout } = this.#context;
    if (stdout.isTTY) {
      if (status !== undefined) this.#draw(status);
      if (this.#last !== '' || status !== undefined) stdout.write('\n');
    } else if (status !== undefined) stdout.write(`${status}\n`);
  }
}
