import { loadKoffi } from './libc.ts';

/**
 * Sets flags of V8 while it runs, such as `--no-maglev`; nothing happens where that cannot be done. Node's own function for it
 * takes five milliseconds to load. Compiled code that is kept while they are set is refused by a start without them.
 */
export function setEngineFlags(...flags: readonly string[]): void {
  try {
    const set = loadKoffi().load(null).func('void _ZN2v82V818SetFlagsFromStringEPKc(const char *flags)');
    for (const flag of flags) set(flag);
  } catch {
    // Another engine.
  }
}
