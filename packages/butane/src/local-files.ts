/** What a tree holds at a relative path, `.` for the root itself. */
export interface TreeEntry {
  /** Path below the root with `/`, `.` for the root. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits. */
  readonly mode: number;
  /** Target of a link. */
  readonly target?: string;
}

/** A local file could not be had: the code of the finding and, for file errors, the system's text. */
export class LocalFileFault {
  readonly code: 'files-dir-missing' | 'files-dir-escape' | 'tree-not-directory' | 'file-error';
  readonly text: string;
  constructor(code: LocalFileFault['code'], text = '') {
    this.code = code;
    this.text = text;
  }
}

/**
 * Where `local`, `contents_local`, `trees` and key files come from. Paths are as written in the config; the resolver keeps
 * them inside its files directory. `listTree` walks in the order of names, a directory before its content.
 */
export interface FileResolver {
  readFile(path: string): Uint8Array | LocalFileFault;
  listTree(path: string): readonly TreeEntry[] | LocalFileFault;
  /** Contents of a file that `listTree(path)` showed. */
  readTreeFile(path: string, entry: TreeEntry): Uint8Array | LocalFileFault;
}

/** No files directory: every use is a finding. */
export const noFiles: FileResolver = {
  readFile: () => new LocalFileFault('files-dir-missing'),
  listTree: () => new LocalFileFault('files-dir-missing'),
  readTreeFile: () => new LocalFileFault('files-dir-missing'),
};

/** Files handed in as a map from relative path to content; directories are implied. For browsers and tests. */
export function mapFiles(files: Readonly<Record<string, Uint8Array | string>>): FileResolver {
  const content = new Map<string, Uint8Array>();
  for (const [path, value] of Object.entries(files))
    content.set(normalise(path) ?? path, typeof value === 'string' ? new TextEncoder().encode(value) : value);
  const missing = (verb: string, path: string): LocalFileFault =>
    new LocalFileFault('file-error', `${verb} ${path}: no such file or directory`);
  return {
    readFile(path) {
      const clean = normalise(path);
      if (clean === undefined) return new LocalFileFault('files-dir-escape');
      return content.get(clean) ?? missing('open', path);
    },
    listTree(path) {
      const clean = normalise(path);
      if (clean === undefined) return new LocalFileFault('files-dir-escape');
      if (content.has(clean)) return new LocalFileFault('tree-not-directory');
      const prefix = clean === '' ? '' : `${clean}/`;
      const entries = new Map<string, TreeEntry>([['.', { path: '.', type: 'directory', mode: 0o755 }]]);
      for (const name of content.keys()) {
        if (!name.startsWith(prefix)) continue;
        const parts = name.slice(prefix.length).split('/');
        for (let n = 1; n < parts.length; n++) {
          const dir = parts.slice(0, n).join('/');
          entries.set(dir, { path: dir, type: 'directory', mode: 0o755 });
        }
        entries.set(parts.join('/'), { path: parts.join('/'), type: 'file', mode: 0o644 });
      }
      if (entries.size === 1) return missing('stat', path);
      return [...entries.values()].sort((a, b) => compareParts(a.path, b.path));
    },
    readTreeFile(path, entry) {
      return content.get(normalise(`${path}/${entry.path}`) ?? '') ?? missing('open', entry.path);
    },
  };
}

/** Single files from a function of their path as written; undefined when there is none. Trees cannot be listed. */
export function functionFiles(resolveFile: (path: string) => Uint8Array | string | undefined): FileResolver {
  const missing = (verb: string, path: string): LocalFileFault =>
    new LocalFileFault('file-error', `${verb} ${path}: no such file or directory`);
  return {
    readFile(path) {
      const found = resolveFile(path);
      return typeof found === 'string' ? new TextEncoder().encode(found) : (found ?? missing('open', path));
    },
    listTree: (path) => missing('stat', path),
    readTreeFile: (_, entry) => missing('open', entry.path),
  };
}

function normalise(path: string): string | undefined {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (out.pop() === undefined) return undefined;
    } else out.push(part);
  }
  return out.join('/');
}

function compareParts(a: string, b: string): number {
  if (a === '.' || b === '.') return a === b ? 0 : a === '.' ? -1 : 1;
  const [x, y] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! < y[i]! ? -1 : 1;
  return x.length - y.length;
}
