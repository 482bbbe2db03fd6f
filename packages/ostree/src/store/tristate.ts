import { CoppiceError } from '@coppice/base';

/** A setting that may also be left to what is possible. */
export type Tristate = 'no' | 'maybe' | 'yes';

/** Throws `Invalid` with libostree's `Invalid tri-state value: x`. */
export function parseTristate(text: string): Tristate {
  if (text === 'yes' || text === 'true' || text === '1') return 'yes';
  if (text === 'no' || text === 'false' || text === '0') return 'no';
  if (text === 'maybe') return 'maybe';
  throw new CoppiceError('Invalid', `Invalid tri-state value: ${text}`);
}
