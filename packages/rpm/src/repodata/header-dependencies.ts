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
  /** The comparison (0 where there is no version), and 16 for what scripts need. */
  readonly flags: Uint32Array;
}

const identity = (list: List, i: number, mask: number): string =>
  `${list.names[i]!}\0${list.versions[i]!}\0${list.flags[i]! & mask}`;

export class HeaderDependencies {
  readonly #index: HeaderIndex;
  readonly #text: HeaderText;
  readonly #versions = new Map<string, string>();
  #provides: List | undefined;

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
    const versions = this.#index.texts(tags.version, count);
    const flags = this.#index.words(tags.flags, count);
    if (names === undefined || versions === undefined || flags === undefined) return undefined;
    for (let i = 0; i < count; i++) {
      const raw = flags[i]!;
      flags[i] = (versions[i] === '' ? 0 : raw & senseMask) | ((raw & preBits) === 0 ? 0 : 16);
    }
    const list = { names, versions, flags };
    if (kind === 'provides') this.#provides = list;
    const kept = kind === 'requires' ? this.#requires(list, files) : undefined;
    const length = kept?.length ?? count;
    if (length === 0) return '';
    const shown = this.#text.attributes(names);
    let xml = `    <rpm:${kind}>\n`;
    for (let k = 0; k < length; k++) {
      const i = kept === undefined ? k : kept[k]!;
      const flag = flagStarts[flags[i]! & 15];
      xml += entryStart + shown[i]!;
      if (flag !== undefined) {
        const version = this.#version(versions[i]!);
        if (version === '') return undefined;
        xml += flag + version;
      }
      xml += kept !== undefined && flags[i]! > 15 ? preEnd : entryEnd;
    }
    return `${xml}    </rpm:${kind}>\n`;
  }

  /** Which stay, as `requirements` of repository-package.ts chooses them. */
  #requires(list: List, files: HeaderFiles): number[] {
    const { names } = list;
    const provides = this.#provides;
    const provided = new Set<string>();
    if (provides !== undefined) for (let i = 0; i < provides.names.length; i++) provided.add(identity(provides, i, 15));
    const kept: number[] = [];
    /** The last of each name that stays. */
    const last = new Map<string, string>();
    let libc = -1;
    let libcText = '';
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      if (name.startsWith('rpmlib(')) continue;
      if (name.startsWith('/') && isPrimaryFile(name) && files.has(name)) continue;
      if (provided.has(identity(list, i, 15))) continue;
      const mine = identity(list, i, 31);
      if (last.get(name) === mine) continue;
      if (name.startsWith('libc.so.6')) {
        const version = libcVersion(name);
        if (libc < 0 || rpmvercmp(libcText, version) < 0) {
          libc = i;
          libcText = version;
        }
        continue;
      }
      last.set(name, mine);
      kept.push(i);
    }
    if (libc >= 0) kept.push(libc);
    return kept;
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
