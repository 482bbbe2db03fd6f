// Dependency lists of a header as XML, from its texts.
import { senseMask } from '../dependency.ts';
import { rpmvercmp } from '../evr.ts';
import { dependencyTags, Sense } from '../package/dependencies.ts';
import type { HeaderFiles } from './header-files.ts';
import type { HeaderIndex } from './header-index.ts';
import type { HeaderText } from './header-text.ts';
import { isPrimaryFile, libcVersion, type repoDependencyKinds } from './repository-package.ts';

const flagStarts = ['', '', 'LT', '', 'GT', '', 'NE', '', 'EQ', '', 'LE', '', 'GE', '', 'NE'].map((flag) =>
  flag === '' ? undefined : `" flags="${flag}" epoch="`,
);
const entryStart = '      <rpm:entry name="';
const entryEnd = '"/>\n';
const preEnd = '" pre="1"/>\n';
const preBits = Sense.preReq | Sense.scriptPre | Sense.scriptPost;

/** Epoch, version and release as `parseEvr` splits them, without what XML writes otherwise. */
const versionPattern = /^(?:(\d*):)?([!#-%'-;=?-~]*)$/;
/** Versions in memory; the same ones come again and again. */
const versionLimit = 2000;

/** One list, each of a header's in turn. */
interface List {
  readonly names: readonly string[];
  readonly versions: readonly string[];
  /** Where in the numbers of the header: the comparison (0 where there is no version), and 16 for what scripts need. */
  readonly flags: number;
}

export class HeaderDependencies {
  readonly #index: HeaderIndex;
  readonly #text: HeaderText;
  readonly #versions = new Map<string, string>();
  readonly #libcVersions = new Map<string, string>();
  #provides: List | undefined;
  /** The first of each name that is provided. */
  readonly #provided = new Map<string, number>();
  readonly #last = new Map<string, number>();

  constructor(index: HeaderIndex, text: HeaderText) {
    this.#index = index;
    this.#text = text;
  }

  /** The elements of one list, if there is anything in it; undefined when that is left to others. `provides` come first. */
  xml(kind: (typeof repoDependencyKinds)[number], files: HeaderFiles): string | undefined {
    const tags = dependencyTags[kind];
    const count = this.#index.count(tags.name);
    if (kind === 'provides') this.#provides = undefined;
    if (count === 0) return this.#index.has(tags.name) ? undefined : '';
    const names = this.#index.texts(tags.name, count);
    const { joined } = this.#index;
    const versions = this.#index.texts(tags.version, count);
    const flags = this.#index.words(tags.flags, count);
    if (names === undefined || versions === undefined || flags < 0) return undefined;
    const { numbers } = this.#index;
    for (let i = 0; i < count; i++) {
      const raw = numbers[flags + i]!;
      numbers[flags + i] = (versions[i] === '' ? 0 : raw & senseMask) | ((raw & preBits) === 0 ? 0 : 16);
    }
    const list = { names, versions, flags };
    if (kind === 'provides') this.#provides = list;
    const kept = kind === 'requires' ? this.#requires(list, files) : undefined;
    const length = kept?.length ?? count;
    if (length === 0) return '';
    const shown = this.#text.attributes(names, joined);
    let xml = `    <rpm:${kind}>\n`;
    for (let k = 0; k < length; k++) {
      const i = kept === undefined ? k : kept[k]!;
      const own = numbers[flags + i]!;
      const flag = flagStarts[own & 15];
      xml += entryStart + shown[i]!;
      if (flag !== undefined) {
        const version = this.#version(versions[i]!);
        if (version === '') return undefined;
        xml += flag + version;
      }
      xml += kept !== undefined && own > 15 ? preEnd : entryEnd;
    }
    return `${xml}    </rpm:${kind}>\n`;
  }

  /** Whether two entries say the same, as far as `mask` says. */
  #same(one: List, i: number, other: List, k: number, mask: number): boolean {
    const { numbers } = this.#index;
    return (
      one.versions[i] === other.versions[k] && (numbers[one.flags + i]! & mask) === (numbers[other.flags + k]! & mask)
    );
  }

  #isProvided(list: List, i: number, first: number | undefined): boolean {
    const provides = this.#provides;
    if (first === undefined || provides === undefined) return false;
    const name = list.names[i];
    for (let k = first; k < provides.names.length; k++)
      if (provides.names[k] === name && this.#same(list, i, provides, k, 15)) return true;
    return false;
  }

  /** Which stay, as `requirements` of repository-package.ts chooses them. */
  #requires(list: List, files: HeaderFiles): number[] {
    const { names } = list;
    const provided = this.#provided;
    provided.clear();
    for (let i = (this.#provides?.names.length ?? 0) - 1; i >= 0; i--) provided.set(this.#provides!.names[i]!, i);
    const kept: number[] = [];
    /** The last of each name that stays. */
    const last = this.#last;
    last.clear();
    let libc = -1;
    let libcText = '';
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name.startsWith('rpmlib(')) continue;
      if (name.startsWith('/') && isPrimaryFile(name) && files.has(name)) continue;
      if (this.#isProvided(list, i, provided.get(name))) continue;
      const before = last.get(name);
      if (before !== undefined && this.#same(list, i, list, before, 31)) continue;
      if (name.startsWith('libc.so.6')) {
        const version = this.#libcVersion(name);
        if (libc < 0 || rpmvercmp(libcText, version) < 0) {
          libc = i;
          libcText = version;
        }
        continue;
      }
      last.set(name, i);
      kept.push(i);
    }
    if (libc >= 0) kept.push(libc);
    return kept;
  }

  #libcVersion(name: string): string {
    let version = this.#libcVersions.get(name);
    if (version === undefined) {
      version = libcVersion(name);
      if (this.#libcVersions.size === versionLimit) this.#libcVersions.clear();
      this.#libcVersions.set(name, version);
    }
    return version;
  }

  /** `EPOCH" ver="VERSION" rel="RELEASE`, empty when there is something unusual in it. */
  #version(text: string): string {
    const known = this.#versions.get(text);
    if (known !== undefined) return known;
    const match = versionPattern.exec(text);
    if (match === null) return '';
    const [, epoch, rest] = match as unknown as [string, string | undefined, string];
    const dash = rest.lastIndexOf('-');
    const version = dash < 0 ? rest : rest.slice(0, dash);
    const release = dash < 0 || dash + 1 === rest.length ? '' : `" rel="${rest.slice(dash + 1)}`;
    const xml = `${epoch || '0'}" ver="${version}${release}`;
    if (this.#versions.size === versionLimit) this.#versions.clear();
    this.#versions.set(text, xml);
    return xml;
  }
}
