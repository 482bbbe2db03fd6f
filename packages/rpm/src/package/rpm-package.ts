// Reading a package file: lead, signature header, main header, compressed payload.
import { CoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs } from '@coppice/linux';
import { Header, headerMagic } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { formatNevra, type Nevra } from '../nevra.ts';
import { packageFiles, type RpmFile } from './files.ts';
import { type Lead, leadSize, parseLead } from './lead.ts';
import { type PayloadEntry, type PayloadOptions, readPayload } from './payload.ts';
import { fileSource, memorySource, type PackageSource } from './source.ts';

export interface RpmPackage {
  readonly source: PackageSource;
  readonly lead: Lead;
  readonly signature: Header;
  readonly header: Header;
  readonly nevra: Nevra;
  /** Byte offsets in the file: where the main header (its magic) starts and where it ends, which is where the payload starts. */
  readonly headerRange: { readonly start: number; readonly end: number };
  /** Lead, signature and header: every byte before the payload. */
  readonly headerBytes: Uint8Array;
  files(): RpmFile[];
  /**
   * The payload's files in archive order. Checks the payload digest unless told not to: a mismatch throws `Corrupt`
   * after the last file.
   */
  payload(options?: PayloadOptions): Generator<PayloadEntry>;
}

/** Name, epoch, version, release and arch of a header; source packages have the arch `src`. Throws `Corrupt` without a name. */
export function headerNevra(header: Header): Nevra {
  const name = header.getString(Tag.Name);
  const version = header.getString(Tag.Version);
  const release = header.getString(Tag.Release);
  if (name === undefined || version === undefined || release === undefined)
    throw new CoppiceError('Corrupt', 'RPM header: no name, version or release');
  const epoch = header.getNumber(Tag.Epoch);
  return {
    name,
    epoch: epoch === undefined ? undefined : String(epoch),
    version,
    release,
    arch: isSourceHeader(header) ? 'src' : (header.getString(Tag.Arch) ?? 'noarch'),
  };
}

/** Source packages carry the tag SOURCEPACKAGE, or (older ones) no SOURCERPM. */
export function isSourceHeader(header: Header): boolean {
  return header.has(Tag.SourcePackage) || (!header.has(Tag.SourceRpm) && header.getString(Tag.Name) !== 'gpg-pubkey');
}

/** `NAME-[EPOCH:]VERSION-RELEASE.ARCH`. */
export function headerNevraText(header: Header): string {
  return formatNevra(headerNevra(header));
}

/** rpm's bounds on the signature area. */
const signatureLimit = 64 * 1024 * 1024;
const headerLimit = 0x0fffffff + 0xffff * 16;

function readHeader(
  source: PackageSource,
  offset: number,
  limit: number,
  what: string,
): { header: Header; end: number } {
  const intro = Buffer.from(source.read(offset, 16));
  if (!headerMagic.every((byte, i) => intro[i] === byte)) throw new CoppiceError('Corrupt', `${what}: bad magic`);
  const size = 8 + intro.readUInt32BE(8) * 16 + intro.readUInt32BE(12);
  if (size > limit || offset + 8 + size > source.size)
    throw new CoppiceError('Corrupt', `${what}: implausible size ${size}`);
  const header = Header.parse(source.read(offset + 8, size), what);
  return { header, end: offset + 8 + size };
}

/** Reads everything before the payload. Throws `Invalid` ("not an rpm package"), `Corrupt`; messages start with the path. */
export function readPackage(
  input: string | Uint8Array,
  options: { fs?: FileSystem /** Names bytes in messages. */; name?: string } = {},
): RpmPackage {
  const source =
    typeof input === 'string' ? fileSource(input, options.fs ?? hostFs) : memorySource(input, options.name);
  try {
    if (source.size < leadSize) throw new CoppiceError('Invalid', 'not an rpm package (or package manifest)');
    const lead = parseLead(source.read(0, leadSize));
    const signature = readHeader(source, leadSize, signatureLimit, 'signature header');
    const start = signature.end + ((8 - (signature.end % 8)) % 8);
    const main = readHeader(source, start, headerLimit, 'RPM header');
    const { header } = main;
    const nevra = headerNevra(header);
    let bytes: Uint8Array | undefined;
    return {
      source,
      lead,
      signature: signature.header,
      header,
      nevra,
      headerRange: { start, end: main.end },
      get headerBytes() {
        bytes ??= source.read(0, main.end);
        return bytes;
      },
      files: () => packageFiles(header),
      payload: (payloadOptions = {}) => readPayload(header, source.stream(main.end), payloadOptions),
    };
  } catch (error) {
    throw prefixError(error, source.name);
  } finally {
    source.release();
  }
}
