// `rpm -q --dump`, `--list` and `--state`; the rest of what rpm prints are query formats (`named-formats.ts`).
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { FileFlag, fileDigestAlgorithm, packageFiles, type RpmFile } from '../package/files.ts';
import { digestLength } from '../package/hash-algorithm.ts';
import { tagValue } from './tag-value.ts';
import { permissions } from './value-format.ts';

/** Which files are listed, and how. */
export interface ListingOptions {
  /** Only files with one of these flags (`FileFlag`). */
  readonly only?: number;
  /** No files with one of these. */
  readonly without?: number;
  /** Say in what state each is (`--state`). */
  readonly states?: boolean;
  /** As `ls -l` (`-lv`); the time, in seconds, decides whether a file's time of day is of interest. */
  readonly longSince?: number;
}

const noFiles = '(contains no files)';

function listed(header: Header, options: ListingOptions): RpmFile[] {
  const { only, without = 0 } = options;
  return packageFiles(header).filter(
    ({ flags }) => (only === undefined || (flags & only) !== 0) && (flags & without) === 0,
  );
}

/** One line per file as `--dump`: path size mtime digest mode owner group isconfig isdoc rdev symlink. */
export function dumpLines(header: Header, options: ListingOptions = {}): string[] {
  if (!hasFiles(header)) return [noFiles];
  const empty = '0'.repeat(digestLength(fileDigestAlgorithm(header)));
  return listed(header, options).map((f) => {
    const config = f.flags & FileFlag.config ? 1 : 0;
    const doc = f.flags & FileFlag.doc ? 1 : 0;
    return `${f.path} ${f.size} ${f.mtime} ${f.digest === '' ? empty : f.digest} 0${f.mode.toString(8)} ${f.user} ${f.group} ${config} ${doc} ${f.rdev} ${f.linkTarget === '' ? 'X' : f.linkTarget}`;
  });
}

const hasFiles = (header: Header): boolean => packageFiles(header).length > 0;

/** `--list`, `--state` and their verbose forms. */
export function fileLines(header: Header, options: ListingOptions = {}): string[] {
  if (!hasFiles(header)) return [noFiles];
  const states = header.getNumbers(Tag.FileStates);
  const links = options.longSince === undefined ? [] : (queryNumbers(header, Tag.FileNlinks) ?? []);
  return listed(header, options).map((file) => {
    const state = options.states === true ? stateText(states[file.index]) : '';
    if (options.longSince === undefined) return state + file.path;
    return state + longLine(file, links[file.index] ?? 1, options.longSince);
  });
}

function queryNumbers(header: Header, tag: number): readonly number[] | undefined {
  const value = tagValue(header, tag);
  return value?.kind === 'number' ? value.values : undefined;
}

const stateNames: readonly string[] = ['normal', 'replaced', 'not installed', 'net shared', 'wrong color'];

function stateText(state: number | undefined): string {
  if (state === undefined || state === 255) return '(no state)    ';
  return (stateNames[state] ?? `(unknown ${String(state).padStart(3)})`).padEnd(14);
}

const typeMask = 0o170000;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const halfYear = 6 * 30 * 24 * 3600;

/** A time as `ls -l` has it, in local time. */
function shortTime(seconds: number, now: number): string {
  const d = new Date(seconds * 1000);
  const day = `${months[d.getMonth()]} ${String(d.getDate()).padStart(2)}`;
  if (now > seconds + halfYear || now < seconds - 3600) return `${day}  ${d.getFullYear()}`;
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

function longLine(file: RpmFile, links: number, now: number): string {
  const type = file.mode & typeMask;
  const isDirectory = type === 0o040000;
  const isDevice = type === 0o020000 || type === 0o060000;
  const owner = (name: string): string => name.slice(0, 8).padEnd(8);
  const size = isDevice
    ? `${String((file.rdev >>> 8) & 0xff).padStart(3)}, ${String(file.rdev & 0xff).padStart(3)}`.padStart(10)
    : String(isDirectory ? 0 : file.size).padStart(20);
  const count = String(links + (isDirectory ? 1 : 0)).padStart(4);
  const arrow = type === 0o120000 ? ` -> ${file.linkTarget}` : '';
  return `${permissions(file.mode)} ${count} ${owner(file.user)} ${owner(file.group)} ${size} ${shortTime(file.mtime, now)} ${file.path}${arrow}`;
}
