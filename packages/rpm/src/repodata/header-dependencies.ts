// Dependency lists of a header as XML, straight from its bytes.
import { senseMask } from '../dependency.ts';
import { rpmvercmp } from '../evr.ts';
import { dependencyTags, Sense } from '../package/dependencies.ts';
import type { HeaderFiles } from './header-files.ts';
import type { HeaderIndex } from './header-index.ts';
import { isPrimaryFile, libcVersion, type repoDependencyKinds } from './repository-package.ts';
import type { XmlPieces } from './xml-pieces.ts';

const literal = (text: string): Buffer => Buffer.from(text, 'latin1');
const entryStart = literal('      <rpm:entry name="');
const entryEnd = literal('"/>\n');
const preEnd = literal('" pre="1"/>\n');
const releaseStart = literal('" rel="');
const epochZero = literal('0" ver="');
const epochEnd = literal('" ver="');
const flagStarts = ['', '', 'LT', '', 'GT', '', 'NE', '', 'EQ', '', 'LE', '', 'GE', '', 'NE'].map((flag) =>
  flag === '' ? undefined : literal(`" flags="${flag}" epoch="`),
);

const preBits = Sense.preReq | Sense.scriptPre | Sense.scriptPost;
/** Lists are compared with each other by going through them: longer ones are left to who can do it better. */
const listLimit = 2000;

/** Texts of a header with a number that says at once that two are different. */
class Texts {
  readonly starts = new Int32Array(listLimit);
  readonly ends = new Int32Array(listLimit);
  readonly hashes = new Int32Array(listLimit);
  readonly flags = new Int32Array(listLimit);
  /** Where the versions begin. */
  readonly versions = new Int32Array(listLimit);
  count = 0;

  /** False when the list is not as it should be, too long, or has something unusual. */
  read(bytes: Buffer, index: HeaderIndex, tags: { name: number; version: number; flags: number }): boolean {
    const count = index.count(tags.name);
    this.count = count;
    if (count === 0) return !index.has(tags.name);
    if (count > listLimit) return false;
    let name = index.strings(tags.name, count);
    let version = index.strings(tags.version, count);
    let flags = index.words(tags.flags, count);
    if (name < 0 || version < 0 || flags < 0) return false;
    const { end } = index;
    for (let i = 0; i < count; i++) {
      this.starts[i] = name;
      let hash = 0;
      for (; name < end && bytes[name] !== 0; name++) hash = (Math.imul(hash, 31) + bytes[name]!) | 0;
      this.hashes[i] = hash;
      this.ends[i] = name++;
      this.versions[i] = version;
      const versioned = bytes[version] !== 0;
      while (version < end && bytes[version] !== 0) version++;
      version++;
      if (name > end || version > end) return false;
      const raw = index.word(flags);
      this.flags[i] = (versioned ? raw & senseMask : 0) | ((raw & preBits) === 0 ? 0 : 16);
      flags += 4;
    }
    return true;
  }
}

/** Whether the texts up to a NUL are the same. */
function sameText(bytes: Buffer, a: number, b: number): boolean {
  for (; bytes[a] === bytes[b]; a++, b++) if (bytes[a] === 0) return true;
  return false;
}

export class HeaderDependencies {
  readonly #out: XmlPieces;
  readonly #index: HeaderIndex;
  readonly #provides = new Texts();
  readonly #list = new Texts();
  #bytes: Buffer = Buffer.alloc(0);

  constructor(out: XmlPieces, index: HeaderIndex) {
    this.#out = out;
    this.#index = index;
  }

  /** Writes one list, if there is anything in it; false when that is left to others. `provides` come first. */
  write(bytes: Buffer, kind: (typeof repoDependencyKinds)[number], files: HeaderFiles): boolean {
    this.#bytes = bytes;
    const list = kind === 'provides' ? this.#provides : this.#list;
    if (!list.read(bytes, this.#index, dependencyTags[kind])) return false;
    if (list.count === 0) return true;
    if (kind === 'requires') return this.#requires(list, files);
    this.#out.ascii(`    <rpm:${kind}>\n`);
    for (let i = 0; i < list.count; i++) if (!this.#entry(list, i, false)) return false;
    this.#out.ascii(`    </rpm:${kind}>\n`);
    return true;
  }

  /** As `requirements` of repository-package.ts chooses them. */
  #requires(list: Texts, files: HeaderFiles): boolean {
    const bytes = this.#bytes;
    // Positions of those that were kept, or were the last of their name.
    const kept: number[] = [];
    let libc = -1;
    let libcText = '';
    for (let i = 0; i < list.count; i++) {
      const start = list.starts[i]!;
      const first = bytes[start]!;
      const plain = first !== 0x2f && first !== 0x72 && first !== 0x6c;
      const name = plain ? '' : bytes.toString('latin1', start, list.ends[i]);
      if (name.startsWith('rpmlib(')) continue;
      if (first === 0x2f && isPrimaryFile(name) && files.has(start, list.ends[i]!)) continue;
      if (this.#isProvided(list, i)) continue;
      let last = -1;
      for (let k = kept.length - 1; k >= 0 && last < 0; k--) {
        const other = kept[k]!;
        if (list.hashes[other] === list.hashes[i] && sameText(bytes, list.starts[other]!, start)) last = other;
      }
      if (last >= 0 && list.flags[last] === list.flags[i] && sameText(bytes, list.versions[last]!, list.versions[i]!))
        continue;
      if (name.startsWith('libc.so.6')) {
        const version = libcVersion(name);
        if (libc < 0 || rpmvercmp(libcText, version) < 0) {
          libc = i;
          libcText = version;
        }
        continue;
      }
      kept.push(i);
    }
    if (libc >= 0) kept.push(libc);
    if (kept.length === 0) return true;
    this.#out.ascii('    <rpm:requires>\n');
    for (const i of kept) if (!this.#entry(list, i, list.flags[i]! > 15)) return false;
    this.#out.ascii('    </rpm:requires>\n');
    return true;
  }

  #isProvided(list: Texts, i: number): boolean {
    const provides = this.#provides;
    const hash = list.hashes[i]!;
    for (let k = 0; k < provides.count; k++)
      if (
        provides.hashes[k] === hash &&
        (provides.flags[k]! & 15) === (list.flags[i]! & 15) &&
        sameText(this.#bytes, provides.starts[k]!, list.starts[i]!) &&
        sameText(this.#bytes, provides.versions[k]!, list.versions[i]!)
      )
        return true;
    return false;
  }

  #entry(list: Texts, i: number, pre: boolean): boolean {
    const out = this.#out;
    out.tag(entryStart);
    if (out.attribute(this.#bytes, list.starts[i]!) < 0) return false;
    const flag = flagStarts[list.flags[i]! & 15];
    if (flag !== undefined) {
      out.tag(flag);
      if (!this.#version(list.versions[i]!)) return false;
    }
    out.tag(pre ? preEnd : entryEnd);
    return true;
  }

  /** `EPOCH" ver="VERSION" rel="RELEASE`, as `parseEvr` splits it. */
  #version(start: number): boolean {
    const bytes = this.#bytes;
    const out = this.#out;
    let at = start;
    while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
    if (bytes[at] !== 0x3a) {
      at = start;
      out.tag(epochZero);
    } else {
      if (at === start) out.tag(epochZero);
      else {
        out.plain(bytes, start, at);
        out.tag(epochEnd);
      }
      at++;
    }
    let dash = -1;
    let end = at;
    for (; bytes[end] !== 0; end++) {
      if (bytes[end] === 0x2d) dash = end;
      // Signs that XML writes otherwise, and more than ASCII.
      if (!isVersionByte(bytes[end]!)) return false;
    }
    out.plain(bytes, at, dash < 0 ? end : dash);
    if (dash >= 0 && dash + 1 < end) {
      out.tag(releaseStart);
      out.plain(bytes, dash + 1, end);
    }
    return true;
  }
}

/** What versions are made of: nothing that needs escaping. */
function isVersionByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x26 && byte !== 0x3c && byte !== 0x3e;
}
