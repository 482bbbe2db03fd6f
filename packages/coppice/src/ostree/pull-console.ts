import { describeGpgResults, type PullProgress, pullProgressLine } from '@coppice/ostree';
import type { VerifyResult } from '@coppice/signing';
import type { Context } from '../cli/context.ts';

const saveCursor = '\u001b7';
const restoreCursor = '\u001b8';
/** The name of the step for `--progress-fd`. */
const step = 'pull';
/** Nothing is drawn on a narrower terminal. */
const narrowest = 10;

/** What a running pull shows: one rewritten line on a terminal, only the last line elsewhere. `finish` must follow. */
export class PullConsole {
  readonly #context: Context;
  readonly #plainSignatures: boolean;
  #last: string | undefined;

  /** `plainSignatures`: tell of verified signatures where there is no terminal, too. */
  constructor(context: Context, plainSignatures = false) {
    this.#context = context;
    this.#plainSignatures = plainSignatures;
    context.progressFd?.progress({ type: 'begin', step });
    if (context.stdout.isTTY) context.stdout.write(saveCursor);
  }

  readonly progress = (p: PullProgress, isLast: boolean): void => {
    if (isLast) return;
    if (this.#context.stdout.isTTY) this.#draw(pullProgressLine(p));
    this.#context.progressFd?.progress({
      type: 'update',
      step,
      done: p.fetchedMetadata + p.fetchedContent + p.fetchedDeltaParts,
      // More objects become known until the last metadata object is here.
      ...(p.outstandingMetadata > 0 ? {} : { total: p.requestedMetadata + p.requestedContent + p.totalDeltaParts }),
      detail: pullProgressLine(p),
    });
  };

  /** Draws a line on a terminal. */
  show(line: string | undefined): void {
    if (this.#context.stdout.isTTY && line !== undefined) this.#draw(line);
  }

  #draw(line: string): void {
    const { stdout } = this.#context;
    if (line === this.#last || stdout.columns < narrowest) return;
    // Blank to the end of the terminal's line; what is longer wraps. The original counts bytes.
    stdout.write(`${restoreCursor}${line}${' '.repeat(Math.max(0, stdout.columns - Buffer.byteLength(line)))}`);
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
    this.#last = undefined;
  };

  /** Ends the line on a terminal; prints the last status elsewhere. */
  finish(status: string | undefined): void {
    const { stdout, progressFd } = this.#context;
    progressFd?.progress({ type: 'end', step, ...(status === undefined ? {} : { text: status }) });
    if (stdout.isTTY) {
      if (status !== undefined) this.#draw(status);
      stdout.write('\n');
    } else if (status !== undefined) stdout.write(`${status}\n`);
  }
}
