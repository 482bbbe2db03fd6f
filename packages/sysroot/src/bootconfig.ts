// One Boot Loader Specification entry (`boot/loader/entries/*.conf`): lines of `key value`. The order of known keys is
// fixed; the rest follow in the order a GLib hash table would give them.

import { GHashTable } from '@coppice/gvariant';

const knownKeys: readonly string[] = ['title', 'version', 'options', 'devicetree', 'linux', 'initrd'];

export class BootConfig {
  /** File name inside `entries/` it was read from; undefined for a new entry. */
  readonly fileName: string | undefined;
  #values = new Map<string, string>();
  /** Values of `initrd` lines after the first. */
  overlayInitrds: readonly string[] = [];

  constructor(fileName?: string) {
    this.fileName = fileName;
  }

  /** Lines that do not start with a letter (comments, blanks) are skipped; of a repeated key the last counts, but `initrd` is a list. */
  static parse(text: string, fileName?: string): BootConfig {
    const config = new BootConfig(fileName);
    const overlays: string[] = [];
    for (const line of text.split('\n')) {
      // One space or tab ends the key; further ones are of the value.
      const match = /^([A-Za-z][^ \t]*)[ \t](.*)$/.exec(line);
      if (match === null) continue;
      const [, key, value] = match as unknown as [string, string, string];
      if (key === 'initrd' && config.#values.has('initrd')) overlays.push(value);
      else config.#values.set(key, value);
    }
    config.overlayInitrds = overlays;
    return config;
  }

  clone(): BootConfig {
    const copy = new BootConfig(this.fileName);
    copy.#values = new Map(this.#values);
    copy.overlayInitrds = [...this.overlayInitrds];
    return copy;
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: string): void {
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  toString(): string {
    let out = '';
    for (const key of knownKeys) {
      const value = this.#values.get(key);
      if (value === undefined) continue;
      out += `${key} ${value}\n`;
      if (key === 'initrd') for (const overlay of this.overlayInitrds) out += `initrd ${overlay}\n`;
    }
    const table = new GHashTable<string>();
    for (const [key, value] of this.#values) table.set(key, value);
    for (const [key, value] of table) if (!knownKeys.includes(key)) out += `${key} ${value}\n`;
    return out;
  }
}
