import { describeGpgResults, type PullProgress, pullProgressLine } from '@coppice/ostree';
import type { VerifyResult } from '@coppice/signing';
import type { Context } from '../cli/context.ts';

/** What a running pull shows: one rewritten line on a terminal, only the last line elsewhere. */
export class PullConsole {
  readonly #context: Context;
  #shown = 0;
  #last = '';

  constructor(context: Context) {
    this.#context = context;
  }

  readonly progress = (p: PullProgress): void => {
    if (!this.#context.stdout.isTTY) return;
    const line = pullProgressLine(p);
    if (line !== this.#last) this.#draw(line);
  };

  #draw(line: string): void {
    const text = line.slice(0, Math.max(20, this.#context.stdout.columns - 1));
    this.#context.stdout.write(`\r${text}${' '.repeat(Math.max(0, this.#shown - text.length))}`);
    this.#shown = text.length;
    this.#last = line;
  }

  readonly gpgResults = (_commit: string, results: readonly VerifyResult[]): void => {
    const count = results.length === 1 ? '1 signature' : `${results.length} signatures`;
    const { stdout } = this.#context;
    if (stdout.isTTY && this.#shown > 0) this.#draw('');
    stdout.write(
      `${stdout.isTTY && this.#shown >= 0 ? '\r' : ''}GPG: Verification enabled, found ${count}:\n\n${describeGpgResults(results, '  ')}\n`,
    );
    this.#shown = 0;
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
