import { CoppiceError } from '@coppice/base';
import { escapeValue, unescapeList, unescapeValue } from './escape.ts';
import { isGroupName, isKeyName, parseLine } from './line.ts';

interface Group {
  readonly name: string;
  /** In file order; a repeated key stays in the list, the last one is the one that counts (as GLib keeps it). */
  pairs: { key: string; value: string }[];
}

/**
 * A GLib key file (glib/gkeyfile.c, flags G_KEY_FILE_NONE): groups and keys keep their order, comments and translated
 * keys are dropped, lists are separated by `;`. Reading a missing group or key throws `NotFound`, a value of the wrong
 * form `Invalid`, both in GLib's wording.
 */
export class KeyFile {
  #groups: Group[] = [];
  #separator = ';';

  /** Parses text or UTF-8 bytes. Throws `Invalid`. */
  static parse(source: string | Uint8Array): KeyFile {
    const text = typeof source === 'string' ? source : new TextDecoder('utf-8', { ignoreBOM: true }).decode(source);
    const file = new KeyFile();
    let current: Group | undefined;
    for (const whole of text.split('\n')) {
      const line = parseLine(whole);
      if (line.kind === 'group') current = file.#ensure(line.name);
      else if (line.kind === 'pair') {
        if (current === undefined) throw new CoppiceError('Invalid', 'Key file does not start with a group');
        if (!isKeyName(line.key)) throw new CoppiceError('Invalid', `Invalid key name: ${line.key}`);
        if (
          current === file.#groups[0] &&
          line.key.toLowerCase() === 'encoding' &&
          line.value.toUpperCase() !== 'UTF-8'
        ) {
          throw new CoppiceError('Invalid', `Key file contains unsupported encoding “${line.value}”`);
        }
        if (line.locale === undefined) current.pairs.push({ key: line.key, value: line.value });
      }
    }
    return file;
  }

  /** The text GLib writes: one empty line between groups, no blanks around `=`. */
  toString(): string {
    return this.#groups.map((g) => `[${g.name}]\n${g.pairs.map((p) => `${p.key}=${p.value}\n`).join('')}`).join('\n');
  }

  /** A copy that shares nothing. */
  clone(): KeyFile {
    return KeyFile.parse(this.toString());
  }

  /** Group names in file order. */
  groups(): string[] {
    return this.#groups.map((g) => g.name);
  }

  hasGroup(group: string): boolean {
    return this.#find(group) !== undefined;
  }

  /** Key names of a group, in file order. */
  keys(group: string): string[] {
    return this.#need(group).pairs.map((p) => p.key);
  }

  hasKey(group: string, key: string): boolean {
    return this.#pair(group, key) !== undefined;
  }

  /** The value as written in the file, or undefined when the group or the key is missing. */
  raw(group: string, key: string): string | undefined {
    return this.#pair(group, key)?.value;
  }

  /** The value as written in the file; throws `NotFound`. */
  getRaw(group: string, key: string): string {
    const pair = this.#need(group).pairs.findLast((p) => p.key === key);
    if (pair === undefined) {
      throw new CoppiceError('NotFound', `Key file does not have key “${key}” in group “${group}”`);
    }
    return pair.value;
  }

  getString(group: string, key: string): string {
    return unescapeValue(this.getRaw(group, key), key);
  }

  getStringList(group: string, key: string): string[] {
    return unescapeList(this.getRaw(group, key), key, this.#separator);
  }

  /** `true`, `1`, `false` or `0`. */
  getBoolean(group: string, key: string): boolean {
    const value = this.getRaw(group, key).trimEnd();
    if (value === 'true' || value === '1') return true;
    if (value === 'false' || value === '0') return false;
    throw new CoppiceError('Invalid', `Key file contains key “${key}” which has a value that cannot be interpreted.`);
  }

  /** A 32-bit integer. */
  getInteger(group: string, key: string): number {
    const value = this.getRaw(group, key);
    const number = /^\s*[+-]?[0-9]+\s*$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= -(2 ** 31) && number < 2 ** 31)) {
      throw new CoppiceError(
        'Invalid',
        `Key file contains key “${key}” in group “${group}” which has a value that cannot be interpreted.`,
      );
    }
    return number;
  }

  getUint64(group: string, key: string): bigint {
    return BigInt.asUintN(64, this.#integer64(group, key, 'uint64'));
  }

  getInt64(group: string, key: string): bigint {
    return BigInt.asIntN(64, this.#integer64(group, key, 'int64'));
  }

  // The same with a default for a missing group or key; a value of the wrong form still throws.
  string<T>(group: string, key: string, fallback: T): string | T {
    return this.hasKey(group, key) ? this.getString(group, key) : fallback;
  }
  stringList<T>(group: string, key: string, fallback: T): string[] | T {
    return this.hasKey(group, key) ? this.getStringList(group, key) : fallback;
  }
  boolean(group: string, key: string, fallback: boolean): boolean {
    return this.hasKey(group, key) ? this.getBoolean(group, key) : fallback;
  }
  integer(group: string, key: string, fallback: number): number {
    return this.hasKey(group, key) ? this.getInteger(group, key) : fallback;
  }

  /** Sets the value as it will stand in the file. A new group or key goes to the end. Throws `Invalid` for an impossible name. */
  setRaw(group: string, key: string, value: string): void {
    if (!isGroupName(group)) throw new CoppiceError('Invalid', `Invalid group name: ${group}`);
    if (!isKeyName(key)) throw new CoppiceError('Invalid', `Invalid key name: ${key}`);
    if (/[\n\0]/.test(value)) throw new CoppiceError('Invalid', `Invalid value of key “${key}”: it breaks the line`);
    const pair = this.#pair(group, key);
    if (pair !== undefined) pair.value = value;
    else this.#ensure(group).pairs.push({ key, value });
  }

  setString(group: string, key: string, value: string): void {
    this.setRaw(group, key, escapeValue(value));
  }
  setStringList(group: string, key: string, values: readonly string[]): void {
    this.setRaw(group, key, values.map((v) => escapeValue(v, this.#separator) + this.#separator).join(''));
  }
  setBoolean(group: string, key: string, value: boolean): void {
    this.setRaw(group, key, value ? 'true' : 'false');
  }
  setInteger(group: string, key: string, value: number | bigint): void {
    this.setRaw(group, key, String(value));
  }

  /** Removes a key; throws `NotFound`. */
  unset(group: string, key: string): void {
    const found = this.#need(group);
    const at = found.pairs.findLastIndex((p) => p.key === key);
    if (at < 0) throw new CoppiceError('NotFound', `Key file does not have key “${key}” in group “${group}”`);
    found.pairs.splice(at, 1);
  }

  /** Removes a group with its keys; throws `NotFound`. */
  removeGroup(group: string): void {
    const found = this.#need(group);
    this.#groups = this.#groups.filter((g) => g !== found);
  }

  #integer64(group: string, key: string, type: string): bigint {
    const value = this.getString(group, key);
    if (!/^\s*[+-]?[0-9]+$/.test(value)) {
      throw new CoppiceError(
        'Invalid',
        `Key “${key}” in group “${group}” has value “${value}” where ${type} was expected`,
      );
    }
    return BigInt(value.trim());
  }

  #find(name: string): Group | undefined {
    return this.#groups.find((g) => g.name === name);
  }
  #need(name: string): Group {
    const group = this.#find(name);
    if (group === undefined) throw new CoppiceError('NotFound', `Key file does not have group “${name}”`);
    return group;
  }
  #ensure(name: string): Group {
    let group = this.#find(name);
    if (group === undefined) {
      group = { name, pairs: [] };
      this.#groups.push(group);
    }
    return group;
  }
  #pair(group: string, key: string): { key: string; value: string } | undefined {
    return this.#find(group)?.pairs.findLast((p) => p.key === key);
  }
}
