// What metadata say about packages, as text: of documents in the layout that createrepo_c and this package write, so that
// elements of packages that did not change are kept as they are.
import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import { collectBytes } from '@coppice/archive';
import type { FileSystem } from '@coppice/base/fs';
import { findRecord, metadataBytes } from './load-repository.ts';
import { documentEnd, documentStart, type MetadataKind } from './metadata-writer.ts';
import type { Repomd } from './repomd.ts';

/** Larger documents are left to readers that do not need all of it at once. */
const documentLimit = 64 * 1024 * 1024;

/** A package as the three documents have it. */
export interface WrittenPackage {
  readonly href: string;
  readonly checksumType: string;
  readonly size: number;
  /** Seconds. */
  readonly time: number;
  readonly elements: Readonly<Record<MetadataKind, string>>;
}

const reference = '&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});';
const text = `[^<>&]*(?:${reference}[^<>&]*)*`;
const attributes = `(?: [a-z:]+="[^"<&]*(?:${reference}[^"<&]*)*")*`;
/** An element without others in it. In bounded numbers, so that no element is too long for the engine. */
const leaves = new RegExp(`(?:<([a-z:-]+)${attributes}(?:/>|>${text}</\\1>)\\n *){1,64}`, 'y');
const formatStart = /<(format)>\n */y;
const listStart = /<(rpm:[a-z]+)>\n */y;
const listEnd = /<\/(rpm:[a-z]+)>\n */y;
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** Where the elements without others end. */
function skipLeaves(xml: string, from: number): number {
  leaves.lastIndex = from;
  for (let at = from; ; at = leaves.lastIndex) if (!leaves.test(xml)) return at;
}

function skip(xml: string, from: number, what: RegExp): [end: number, name: string] {
  what.lastIndex = from;
  const name = what.exec(xml)?.[1];
  return name === undefined ? [from, ''] : [what.lastIndex, name];
}

/** Whether all from `start` on is leaves, and in the end a `<format>` with leaves and lists of them. */
function isWellFormed(xml: string, start: number): boolean {
  const [inFormat, format] = skip(xml, skipLeaves(xml, start), formatStart);
  if (format === '') return inFormat === xml.length;
  let at = skipLeaves(xml, inFormat);
  for (;;) {
    const [inside, name] = skip(xml, at, listStart);
    if (name === '') return xml.slice(at) === '</format>\n';
    const [end, closed] = skip(xml, skipLeaves(xml, inside), listEnd);
    if (closed !== name) return false;
    at = skipLeaves(xml, end);
  }
}

const opening = new RegExp(`^<package${attributes}>\\n *`);

/** The elements of a document without their end tags; undefined when it is laid out otherwise. */
function elementsOf(dir: string, repomd: Repomd, kind: MetadataKind, fs: FileSystem): string[] | undefined {
  const record = findRecord(repomd, kind);
  if (record?.openSize === undefined || record.openSize > documentLimit) return undefined;
  const bytes = collectBytes(metadataBytes(join(dir, record.href), record, fs), documentLimit);
  if (!isUtf8(bytes)) return undefined;
  const xml = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  const parts = xml.split('</package>\n');
  const start = documentStart(kind, parts.length - 1);
  if (parts.pop() !== documentEnd(kind) || parts[0]?.startsWith(start) !== true || forbidden.test(xml))
    return undefined;
  parts[0] = parts[0].slice(start.length);
  for (const part of parts) {
    const head = opening.exec(part);
    if (head === null || !isWellFormed(part, head[0].length)) return undefined;
  }
  return parts;
}

const fields =
  /^<package type="rpm">\n {2}<name>.*?\n {2}<checksum type="(\w+)" pkgid="YES">([0-9a-f]+)<\/checksum>\n.*?\n {2}<time file="(\d{1,15})" build="\d+"\/>\n {2}<size package="(\d{1,15})" installed="\d+" archive="\d+"\/>\n {2}<location href="([^"&]+)"\/>\n {2}<format>\n/s;
const pkgid = /^<package pkgid="([0-9a-f]+)"/;

/** By the package's digest. */
function byDigest(elements: readonly string[]): Map<string, string> | undefined {
  const out = new Map<string, string>();
  for (const element of elements) {
    const digest = pkgid.exec(element)?.[1];
    if (digest === undefined) return undefined;
    out.set(digest, element);
  }
  return out;
}

/**
 * The packages of a repository of which the index was read; undefined when its documents are laid out otherwise, or are
 * relative to another place. Throws `Corrupt` and the like.
 */
export function writtenPackages(dir: string, repomd: Repomd, fs: FileSystem): readonly WrittenPackage[] | undefined {
  const [primary, filelists, other] = (['primary', 'filelists', 'other'] as const).map((kind) =>
    elementsOf(dir, repomd, kind, fs),
  );
  if (primary === undefined || filelists === undefined || other === undefined) return undefined;
  const files = byDigest(filelists);
  const changes = byDigest(other);
  if (files === undefined || changes === undefined) return undefined;
  const end = '</package>\n';
  const out: WrittenPackage[] = [];
  for (const element of primary) {
    const match = fields.exec(element);
    if (match === null) return undefined;
    const [, checksumType, digest, time, size, href] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const fileList = files.get(digest);
    const changelog = changes.get(digest);
    if (fileList === undefined || changelog === undefined) return undefined;
    out.push({
      href,
      checksumType,
      size: Number(size),
      time: Number(time),
      elements: { primary: element + end, filelists: fileList + end, other: changelog + end },
    });
  }
  return out;
}
