// What a transaction prints: steps, download progress and messages, on a terminal and elsewhere, at both levels.
import type { Progress, ProgressEvent } from '@coppice/base';
import type { RpmOstreeCompat } from '@coppice/rpm-ostree';
import type { Context } from '../cli/context.ts';

const spinner = ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'];

export interface TransactionText {
  readonly progress: Progress;
  /** A line that is printed even with --quiet. */
  line(text: string): void;
  /** Ends a step that an error cut short. */
  abort(): void;
}

/** Steps whose last detail is the whole line, as the download of objects. */
const replacesLabel = (step: string): boolean => step.startsWith('Receiving');

export function transactionText(context: Context, compat: RpmOstreeCompat, quiet: boolean): TransactionText {
  const out = context.stdout;
  let current: string | undefined;
  let label = '';
  let tick = 0;
  let drawn = false;
  const clear = (): void => {
    if (drawn) out.write('\r\x1b[2K');
    drawn = false;
  };
  const draw = (text: string): void => {
    clear();
    out.write(`${spinner[tick++ % spinner.length]} ${text}`.slice(0, out.columns - 1));
    out.flush();
    drawn = true;
  };
  const end = (result: string): void => {
    if (current === undefined) return;
    if (out.isTTY) {
      clear();
      out.write(`${label}... ${result}\n`);
    } else if (replacesLabel(current)) out.write(`${label}...${compat.stepSeparator}${result}\n`);
    else out.write(`${compat.stepSeparator}${result}\n`);
    current = undefined;
  };
  const show = (event: ProgressEvent): void => {
    switch (event.type) {
      case 'begin':
        if (current !== undefined) end('done');
        current = event.step;
        label = event.step;
        if (out.isTTY) draw(`${label}...`);
        else if (!replacesLabel(event.step)) out.write(`${label}...`);
        return;
      case 'update': {
        if (event.step !== current) return;
        if (replacesLabel(event.step)) label = event.detail ?? label;
        if (!out.isTTY) return;
        if (replacesLabel(event.step)) draw(label);
        else if (event.total !== undefined && event.total > 0) {
          const filled = Math.floor((20 * event.done) / event.total);
          draw(
            `${label} ${event.done}/${event.total} [${'='.repeat(filled)}${' '.repeat(20 - filled)}] ${event.detail ?? ''}`,
          );
        } else draw(`${label}... ${event.detail ?? ''}`);
        return;
      }
      case 'end':
        if (event.step === current) end(event.text ?? 'done');
        return;
      case 'message':
        if (current !== undefined && !out.isTTY && !replacesLabel(current)) {
          out.write('\n');
          current = undefined;
        }
        clear();
        out.write(`${event.text}\n`);
        return;
    }
  };
  return {
    progress(event: ProgressEvent) {
      context.progressFd?.progress(event);
      if (quiet) return;
      show(event);
      // Whoever reads a pipe follows along too.
      out.flush();
    },
    line(text) {
      clear();
      out.write(`${text}\n`);
    },
    abort() {
      clear();
      if (current !== undefined && !out.isTTY && !replacesLabel(current)) out.write('\n');
      current = undefined;
    },
  };
}
