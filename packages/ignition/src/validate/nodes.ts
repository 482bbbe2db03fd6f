import { cleanPath, joinPath } from '../go-path.ts';
import type { Report } from '../report.ts';
import { child, type Fields, isTrue, list, maybeInt, maybeText, text } from '../value.ts';
import { pathFinding } from './paths.ts';
import type { PathOf, Rule } from './rules.ts';

const node: Rule = (value, path, { report }) => {
  report.errorIf([...path, 'path'], pathFinding(text(value, 'path')));
};

const mode: Rule = (value, path, { minor, report }) => {
  const bits = maybeInt(value, 'mode');
  if (bits === undefined) return;
  if (bits < 0 || bits > 0o7777) report.error([...path, 'mode'], 'mode-illegal');
  if (minor < 6 && (BigInt(bits) & 0o7000n) !== 0n) report.warn([...path, 'mode'], 'mode-special-bits');
};

export const directory: Rule = (value, path, context) => {
  node(value, path, context);
  mode(value, path, context);
};

export const file: Rule = (value, path, context) => {
  node(value, path, context);
  mode(value, path, context);
  if (isTrue(value, 'overwrite') && maybeText(child(value, 'contents'), 'source') === undefined)
    context.report.error([...path, 'overwrite'], 'overwrite-without-source');
};

export const link: Rule = node;

export const owner: Rule = (value, path, { report }) => {
  if (maybeInt(value, 'id') !== undefined && text(value, 'name') !== '') report.error(path, 'id-and-name');
};

/** Rules between the lists of `storage`. */
export const storage: Rule = (value, path, { minor, report }) => {
  const links = list(value, 'links');
  const linkPaths = new Map<string, number>();
  for (const item of links) linkPaths.set(text(item, 'path'), (linkPaths.get(text(item, 'path')) ?? 0) + 1);
  const below = (kind: string, item: Fields, i: number, code: Parameters<Report['error']>[1]): void => {
    if (linkPaths.size === 0) return;
    const itemPath = text(item, 'path');
    if (report.full) return;
    for (let slash = itemPath.indexOf('/'); slash >= 0; slash = itemPath.indexOf('/', slash + 1))
      for (let n = linkPaths.get(itemPath.slice(0, slash)) ?? 0; n > 0; n--) report.error([...path, kind, i], code);
  };
  list(value, 'directories').forEach((item, i) => {
    below('directories', item, i, 'path-under-link-directory');
  });
  list(value, 'files').forEach((item, i) => {
    below('files', item, i, 'path-under-link-file');
  });
  const directories = list(value, 'directories');
  links.forEach((item, i) => {
    below('links', item, i, 'path-under-link-link');
    checkLink(item, [...path, 'links', i], minor, directories, report);
  });
  checkFilesystems(value, path, report);
};

function checkLink(item: Fields, path: PathOf, minor: number, directories: readonly Fields[], report: Report): void {
  const target = text(item, 'target');
  if (minor >= 3 && target === '') {
    report.error([...path, 'target'], 'link-target-required');
    return;
  }
  if (!isTrue(item, 'hard')) return;
  const clean = cleanPath(target);
  const absolute = clean.startsWith('/') ? clean : joinPath(text(item, 'path'), target);
  for (const dir of directories) if (text(dir, 'path') === absolute) report.error(path, 'hard-link-directory');
  for (const [who, what] of [
    ['user', 'id'],
    ['user', 'name'],
    ['group', 'id'],
    ['group', 'name'],
  ] as const)
    if (child(item, who)?.[what] !== undefined) report.warn([...path, who, what], 'hard-link-owner');
}

function checkFilesystems(value: Fields, path: PathOf, report: Report): void {
  const disks = new Map(list(value, 'disks').map((disk) => [text(disk, 'device'), disk]));
  if (disks.size === 0) return;
  list(value, 'filesystems').forEach((item, i) => {
    const disk = disks.get(text(item, 'device'));
    if (disk === undefined) return;
    const at = [...path, 'filesystems', i, 'device'];
    if (list(disk, 'partitions').length > 0) report.warn(at, 'filesystem-on-partitioned-disk');
    else if (!isTrue(item, 'wipeFilesystem') && isTrue(disk, 'wipeTable')) report.warn(at, 'filesystem-on-wiped-disk');
  });
}
