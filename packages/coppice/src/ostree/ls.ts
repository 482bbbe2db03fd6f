import { prefixError } from '@coppice/base';
import type { DirMeta, TreeEntry, Xattr } from '@coppice/ostree';
import { printXattrs } from './dump.ts';
import { isSymlink, octalMode } from './file-mode.ts';
import { findPath } from './find-path.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT [PATH...]',
  summary: 'List file paths',
  options: () => [
    { long: 'dironly', short: 'd', help: 'Do not recurse into directory arguments' },
    { long: 'recursive', short: 'R', help: 'Print directories recursively' },
    { long: 'checksum', short: 'C', help: 'Print checksum' },
    { long: 'xattrs', short: 'X', help: 'Print extended attributes' },
    { long: 'nul-filenames-only', help: 'Print only filenames, NUL separated' },
  ],
  run(call: OstreeCall) {
    const { repo, operands, options } = call;
    const [rev, ...paths] = operands;
    if (rev === undefined) call.usage('An COMMIT argument is required');
    const commit = repo.resolveRev(rev);
    repo.loadCommit(commit);
    const show = printer(call);
    for (const path of paths.length === 0 ? ['/'] : paths) {
      let entry: TreeEntry;
      try {
        entry = findPath(repo, commit, path);
      } catch (error) {
        throw prefixError(error, `Inspecting path '${path}'`);
      }
      show(entry);
      const recursive = options.flag('recursive');
      if (entry.type === 'file' || (options.flag('dironly') && !recursive)) continue;
      let first = true;
      for (const child of recursive ? repo.readTree(commit, entry.path) : children(call, entry)) {
        if (!(recursive && first)) show(child);
        first = false;
      }
    }
  },
};

/** Files, then directories, of one directory. */
function* children({ repo }: OstreeCall, folder: TreeEntry & { type: 'directory' }): Generator<TreeEntry> {
  const { files, dirs } = repo.loadDirTree(folder.checksum);
  const lead = folder.path === '/' ? '' : folder.path;
  for (const { name, checksum } of files) {
    yield { type: 'file', path: `${lead}/${name}`, checksum, load: () => repo.loadFile(checksum) };
  }
  for (const { name, tree, meta } of dirs) {
    yield { type: 'directory', path: `${lead}/${name}`, checksum: tree, meta, load: () => repo.loadDirMeta(meta) };
  }
}

function printer({ context, options }: OstreeCall): (entry: TreeEntry) => void {
  const out = context.stdout;
  if (options.flag('nul-filenames-only')) return (entry) => out.write(Buffer.from(`${entry.path}\0`));
  const checksums = options.flag('checksum');
  const xattrs = options.flag('xattrs');
  return (entry) => {
    let size = 0;
    let target = '';
    let inode: Omit<DirMeta, 'xattrs'>;
    // Attributes are only read where they are shown.
    let attributes: () => readonly Xattr[];
    if (entry.type === 'file') {
      const file = entry.load();
      inode = file.inode;
      attributes = () => file.header.xattrs;
      if (isSymlink(inode.mode)) target = ` -> ${file.inode.symlinkTarget}`;
      else size = file.size;
    } else {
      const meta = entry.load();
      inode = meta;
      attributes = () => meta.xattrs;
    }
    const { mode, uid, gid } = inode;
    const type = entry.type === 'directory' ? 'd' : target === '' ? '-' : 'l';
    const sums = !checksums
      ? ''
      : entry.type === 'directory'
        ? `${entry.checksum} ${entry.meta} `
        : `${entry.checksum} `;
    const attrs = xattrs ? `{ ${printXattrs(attributes())} } ` : '';
    out.write(
      `${type}${octalMode(mode).padStart(5, '0')} ${uid} ${gid} ${String(size).padStart(6)} ${sums}${attrs}${entry.path}${target}\n`,
    );
  };
}
