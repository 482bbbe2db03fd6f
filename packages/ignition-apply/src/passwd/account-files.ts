import type { Root } from '../root.ts';

// /etc/passwd, shadow, group and gshadow of a tree: lines of colon-separated fields, kept as they are where nothing changes.

export type AccountFile = 'passwd' | 'shadow' | 'group' | 'gshadow' | 'subuid' | 'subgid';

interface Loaded {
  readonly lines: string[];
  /** What the file held when it was read or last written. */
  text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly resolved: string;
}

/** The account files of one tree, loaded when asked for and written together, each with the backup that shadow-utils keeps. */
export class AccountFiles {
  readonly #root: Root;
  readonly #loaded = new Map<AccountFile, Loaded | undefined>();
  readonly #touched = new Set<AccountFile>();

  constructor(root: Root) {
    this.#root = root;
  }

  #load(file: AccountFile): Loaded | undefined {
    if (this.#loaded.has(file)) return this.#loaded.get(file);
    const text = this.#root.readText(`/etc/${file}`);
    let loaded: Loaded | undefined;
    if (text !== undefined) {
      const resolved = this.#root.resolve(`/etc/${file}`, true);
      const stat = this.#root.lstat(resolved)!;
      const lines = text.split('\n');
      if (lines.at(-1) === '') lines.pop();
      loaded = { lines, text, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, resolved };
    }
    this.#loaded.set(file, loaded);
    return loaded;
  }

  has(file: AccountFile): boolean {
    return this.#load(file) !== undefined;
  }

  /** All lines as fields. */
  rows(file: AccountFile): string[][] {
    return (this.#load(file)?.lines ?? []).map((line) => line.split(':'));
  }

  find(file: AccountFile, name: string): string[] | undefined {
    return this.rows(file).find((row) => row[0] === name);
  }

  /** Replaces the row of that name, or appends it. Nothing happens where the file does not exist. */
  put(file: AccountFile, row: readonly string[]): void {
    const loaded = this.#load(file);
    if (loaded === undefined) return;
    const line = row.join(':');
    const at = loaded.lines.findIndex((old) => old.split(':', 1)[0] === row[0]);
    if (at < 0) loaded.lines.push(line);
    else loaded.lines[at] = line;
    this.#touched.add(file);
  }

  remove(file: AccountFile, name: string): void {
    const loaded = this.#load(file);
    const at = loaded?.lines.findIndex((line) => line.split(':', 1)[0] === name) ?? -1;
    if (loaded === undefined || at < 0) return;
    loaded.lines.splice(at, 1);
    this.#touched.add(file);
  }

  /** Makes /etc/passwd and /etc/group exist, as a tree without accounts needs. */
  ensure(file: 'passwd' | 'group'): void {
    if (this.has(file)) return;
    this.#root.makeDirectories(this.#root.resolve('/etc', true));
    this.#root.writeFile(this.#root.resolve(`/etc/${file}`), new Uint8Array(), 0o644);
    this.#loaded.delete(file);
  }

  /** Writes what has changed since the last call, as one shadow-utils command does: backup, then the file. */
  commit(): void {
    if (this.#touched.size > 0) this.#leaveLock();
    for (const file of this.#touched) {
      const loaded = this.#loaded.get(file)!;
      const write = (resolved: string, text: string): void =>
        this.#root.writeFile(resolved, new TextEncoder().encode(text), loaded.mode, loaded.uid, loaded.gid);
      write(`${loaded.resolved}-`, loaded.text);
      loaded.text = loaded.lines.map((line) => `${line}\n`).join('');
      write(loaded.resolved, loaded.text);
    }
    this.#touched.clear();
  }

  /** The lock file that shadow-utils leaves behind. */
  #leaveLock(): void {
    const lock = this.#root.resolve('/etc/.pwd.lock');
    if (this.#root.lstat(lock) === undefined) this.#root.writeFile(lock, new Uint8Array(), 0o600);
  }
}
