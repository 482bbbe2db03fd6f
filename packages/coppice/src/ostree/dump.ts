import { createHash } from 'node:crypto';
import { fromHex } from '@coppice/base';
import { byteswap, Variant } from '@coppice/gvariant';
import type { Commit, Xattr } from '@coppice/ostree';
import { type Context, Exit } from '../cli/context.ts';

/** GLib's dates begin with the year 1 and end with 9999. */
const firstDate = -62135596800n;
const lastDate = 253402300799n;

/** Seconds since the epoch as `show` and `log` print them: UTC. */
export function formatDate(seconds: number | bigint): string {
  const iso = new Date(Number(seconds) * 1000).toISOString();
  return `${iso.slice(0, 10).replace(/^0+/, '')} ${iso.slice(11, 19)} +0000`;
}

/** Extended attributes as GVariant text. */
export function printXattrs(xattrs: readonly Xattr[]): string {
  const value = xattrs.map(({ name, value }) => [Buffer.from(`${name}\0`), value]);
  return new Variant('a(ayay)', value).toString();
}

/** GVariant text of an object's bytes; stored numbers are big-endian, so the whole value is swapped unless `swap` is false. */
export function printRaw(type: string, bytes: Uint8Array, swap: boolean): string {
  const variant = Variant.decode(type, bytes);
  return (swap ? byteswap(variant) : variant).toString();
}

/** SHA-256 over the checksums of a commit's root tree and its metadata: equal for commits with equal content. */
function contentChecksum(commit: Commit): string {
  return createHash('sha256').update(fromHex(commit.tree)).update(fromHex(commit.meta)).digest('hex');
}

function indented(text: string): string {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => `    ${line}\n`).join('');
}

/**
 * Prints the description of a commit as `show` and `log` do, its first line included unless not `headed`; gives up, with the original's words and
 * status, on a date it cannot show.
 */
export function printCommit(
  { stdout, stderr, program }: Context,
  checksum: string,
  commit: Commit,
  headed = true,
): void {
  if (headed) stdout.write(`commit ${checksum}\n`);
  // Stored without a sign, and read with one.
  const seconds = BigInt.asIntN(64, BigInt(commit.timestamp));
  if (seconds >= firstDate && seconds <= lastDate) {
    stdout.write(commitText({ ...commit, timestamp: seconds }));
    return;
  }
  stderr.write(`${program}: Failed to read commit: Invalid timestamp: ${commit.timestamp}\n`);
  throw new Exit(1);
}

function commitText(commit: Commit): string {
  let out = '';
  if (commit.parent !== undefined) out += `Parent:  ${commit.parent}\n`;
  out += `ContentChecksum:  ${contentChecksum(commit)}\n`;
  out += `Date:  ${formatDate(commit.timestamp)}\n`;
  const version = commit.metadata.get('version');
  if (version?.type === 's') out += `Version: ${version.value as string}\n`;
  out += commit.subject === '' ? '(no subject)\n' : `\n${indented(commit.subject)}`;
  if (commit.body !== '') out += `\n${indented(commit.body)}`;
  return `${out}\n`;
}
