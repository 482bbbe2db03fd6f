// Kernel arguments as the original keeps them (libostree's ostree-kernel-args): a list in order, in which a key may
// occur more than once. `key` and `key=` are different arguments.

import { CoppiceError } from '@coppice/base';

interface Argument {
  readonly key: string;
  /** Undefined for an argument without `=`. */
  readonly value: string | undefined;
}

function parse(argument: string): Argument {
  const at = argument.indexOf('=');
  return at < 0 ? { key: argument, value: undefined } : { key: argument.slice(0, at), value: argument.slice(at + 1) };
}

function print(argument: Argument): string {
  return argument.value === undefined ? argument.key : `${argument.key}=${argument.value}`;
}

/** Splits a command line at single spaces, as the original does: two spaces in a row give an empty argument. `quoted` keeps spaces inside double quotes. */
export function splitKernelArguments(text: string, quoted = false): string[] {
  if (text === '') return [];
  if (!quoted) return text.split(' ');
  const out: string[] = [];
  let word = '';
  let inside = false;
  for (const char of text) {
    if (char === '"') inside = !inside;
    if (char === ' ' && !inside) {
      out.push(word);
      word = '';
    } else word += char;
  }
  out.push(word);
  return out;
}

/** Arguments a running kernel got from its boot loader, which no deployment should inherit. */
const loaderPrefixes = ['BOOT_IMAGE=', 'initrd='];

export class KernelArguments {
  #arguments: Argument[];
  readonly #dropsEmpty: boolean;

  /** `quoted` is also the mark of releases that do not print empty arguments. */
  constructor(list: Iterable<string> = [], quoted = false) {
    this.#dropsEmpty = quoted;
    this.#arguments = [...list].map(parse);
  }

  /** From the `options` value of a boot entry; undefined gives an empty list. */
  static parse(options: string | undefined, quoted = false): KernelArguments {
    return new KernelArguments(splitKernelArguments(options ?? '', quoted), quoted);
  }

  /** From the text of `/proc/cmdline`, without what the boot loader added. */
  static fromProcCmdline(text: string, quoted = false): KernelArguments {
    const list = splitKernelArguments(text.replace(/\s+$/, ''), quoted);
    const own = list.filter((word) => !loaderPrefixes.some((prefix) => word.startsWith(prefix)));
    return new KernelArguments(own, quoted);
  }

  append(argument: string): void {
    this.#arguments.push(parse(argument));
  }

  appendAll(list: Iterable<string>): void {
    for (const argument of list) this.append(argument);
  }

  /** Appends unless an argument with the same key is there. */
  appendIfMissing(argument: string): void {
    if (!this.has(parse(argument).key)) this.append(argument);
  }

  /** Puts `argument` at the place of the first argument with its key, dropping the others; appends when there is none. */
  replace(argument: string): void {
    const fresh = parse(argument);
    const at = this.#arguments.findIndex((a) => a.key === fresh.key);
    if (at < 0) {
      this.#arguments.push(fresh);
      return;
    }
    this.#arguments = this.#arguments.filter((a, i) => i <= at || a.key !== fresh.key);
    this.#arguments[at] = fresh;
  }

  replaceAll(list: Iterable<string>): void {
    for (const argument of list) this.replace(argument);
  }

  /**
   * Replaces one value: `key=new` when the key has one value, `key=old=new` to choose among several.
   * Throws `NotFound` or `Conflict` with the original's words.
   */
  replaceValue(argument: string): void {
    const { key, value = '' } = parse(argument);
    const mine = this.#arguments.filter((a) => a.key === key);
    if (mine.length === 0) throw new CoppiceError('NotFound', `No key '${key}' found`);
    const at = value.indexOf('=');
    if (mine.length > 1 && at < 0) throw new CoppiceError('Conflict', `Multiple values for key '${key}' found`);
    const oldValue = at < 0 ? mine[0]!.value : value.slice(0, at);
    const newValue = at < 0 ? value : value.slice(at + 1);
    const place = this.#arguments.findIndex((a) => a.key === key && (a.value ?? '') === (oldValue ?? ''));
    if (place < 0) {
      if (mine.length > 1) throw new CoppiceError('NotFound', `No karg '${key}=${oldValue ?? ''}' found`);
      // One value whose text contains `=`: the whole is the new value.
      this.#arguments[this.#arguments.indexOf(mine[0]!)] = { key, value };
      return;
    }
    this.#arguments[place] = { key, value: newValue };
  }

  /**
   * Deletes one argument. `key` alone deletes the only argument with that key, or the first valueless one;
   * `key=value` deletes the first equal one. Throws `NotFound` or `Conflict` with the original's words.
   */
  delete(argument: string): void {
    const { key, value } = parse(argument);
    const mine = this.#arguments.filter((a) => a.key === key);
    if (mine.length === 0) throw new CoppiceError('NotFound', `No key '${key}' found`);
    const equal =
      mine.find((a) => a.value === value) ?? (value === undefined && mine.length === 1 ? mine[0] : undefined);
    if (equal === undefined) {
      if (value === undefined) throw new CoppiceError('Conflict', `Multiple values for key '${key}' found`);
      throw new CoppiceError('NotFound', `No karg '${argument}' found`);
    }
    this.#arguments.splice(this.#arguments.indexOf(equal), 1);
  }

  /** Deletes when the key is there; otherwise does nothing. */
  deleteIfPresent(argument: string): void {
    if (this.has(parse(argument).key)) this.delete(argument);
  }

  has(key: string): boolean {
    return this.#arguments.some((a) => a.key === key);
  }

  /** The value of the last argument with that key; '' when it has none. */
  lastValue(key: string): string | undefined {
    const found = this.#arguments.findLast((a) => a.key === key);
    return found === undefined ? undefined : (found.value ?? '');
  }

  toArray(): string[] {
    return this.#arguments.map(print).filter((word) => word !== '' || !this.#dropsEmpty);
  }

  toString(): string {
    return this.toArray().join(' ');
  }
}

/** A command line with its `ostree=` emptied, to compare what else it says. */
export function neutralOptions(options: string | undefined): string {
  const kargs = KernelArguments.parse(options);
  kargs.replace('ostree');
  return kargs.toString();
}
