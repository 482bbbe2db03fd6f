// The components of a tree, of which a chunked image has layers: its packages, the initramfs, what files ask for by an
// attribute of their own, and the rest. Every file object belongs to one of them, small ones to each that has them.
import { type Header, Tag } from '@coppice/rpm';
import { imageFiles } from '../assemble/package-files.ts';
import { nevraOfHeader } from '../import/package-commit.ts';
import { formatNevra } from '../nevra.ts';
import type { ImageTree } from '../tree/image-tree.ts';

/** Name of the component that holds what no package owns. */
export const unpackaged = 'rpmostree-unpackaged-content';

export interface Component {
  /** The same in every build: what images say about their layers. */
  readonly name: string;
  /** For people, with the version. */
  readonly title: string;
  readonly source: string;
  /** Entries of the changelog in the year before the newest build; infinite for what changes with every build. */
  readonly changes: number;
  /** Hours between the oldest package of the tree and this one. */
  readonly age: number;
  /** A layer of its own was asked for (attribute `user.component`). */
  readonly separate: boolean;
  /** Content checksums with the paths that have them, in the order of the tree. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly size: number;
}

/** What building an image tells about the packages in it. */
export interface ComponentFacts {
  readonly objects: number;
  readonly packages: number;
  readonly sources: number;
  /** Bytes by the package database. */
  readonly rpmSize: number;
  readonly earliest: { readonly title: string; readonly time: number } | undefined;
  /** Objects at more than one path. */
  readonly duplicates: number;
  /** Paths that several packages own. */
  readonly multipleOwners: readonly string[];
}

interface Draft {
  name: string;
  title: string;
  source: string;
  changes: number;
  age: number;
  separate: boolean;
  readonly files: Map<string, string[]>;
  size: number;
}

/** Objects up to this size are in the layer of each component that has them, so that layers depend on less of each other. */
const sharedLimit = 4096;
const year = 365 * 86_400;
/** What the original reads, and what its manual calls it. */
const separateAttributes = ['user.component', 'user.components'];
const initramfsPath = /^usr\/lib\/modules\/([^/]+)\/initramfs\.img$/;

function draft(name: string, title: string, fields: Partial<Draft> = {}): Draft {
  return { name, title, source: name, changes: 0, age: 0, separate: false, files: new Map(), size: 0, ...fields };
}

function packageDrafts(packages: readonly Header[]): Map<string, Draft> {
  const times = packages.map((h) => h.getNumber(Tag.BuildTime) ?? 0);
  const newest = times.reduce((a, b) => Math.max(a, b), 0);
  const oldest = times.reduce((a, b) => Math.min(a, b), newest);
  const out = new Map<string, Draft>();
  packages.forEach((header, i) => {
    const nevra = nevraOfHeader(header);
    if (out.has(nevra.name)) return;
    out.set(
      nevra.name,
      draft(nevra.name, formatNevra(nevra), {
        source: header.getString(Tag.SourceRpm) ?? nevra.name,
        changes: header.getNumbers(Tag.ChangelogTime).filter((time) => newest - time <= year).length,
        age: Math.floor((times[i]! - oldest) / 3600),
      }),
    );
  });
  return out;
}

/** Names of the packages that own each path of the tree. */
function ownersOf(tree: ImageTree, packages: readonly Header[]): Map<string, Set<string>> {
  const out = new Map<string, Set<string>>();
  for (const header of packages) {
    const { name } = nevraOfHeader(header);
    for (const { path } of imageFiles(header)) {
      const at = tree.resolve(path);
      let owners = out.get(at);
      if (owners === undefined) {
        owners = new Set();
        out.set(at, owners);
      }
      owners.add(name);
    }
  }
  return out;
}

/**
 * Divides all files of `tree`; who has none is no component. Large objects that several components have go to the first by name, those of `known` (an
 * earlier build's) before others. Deterministic.
 */
export function componentsOf(
  tree: ImageTree,
  packages: readonly Header[],
  known: ReadonlySet<string> = new Set(),
): { readonly components: Component[]; readonly facts: ComponentFacts } {
  const drafts = packageDrafts(packages);
  const owners = ownersOf(tree, packages);
  const always = { changes: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY };
  const rest = draft(unpackaged, unpackaged, always);
  const special = new Map<string, Draft>();
  const named = (key: string, make: () => Draft): Draft => {
    let found = special.get(key);
    if (found === undefined) {
      found = make();
      special.set(key, found);
    }
    return found;
  };
  const componentOf = (path: string, checksum: string): Draft => {
    const { xattrs } = tree.header(checksum).header;
    const asked = separateAttributes.map((name) => xattrs.find((x) => x.name === name)).find((x) => x !== undefined);
    if (asked !== undefined) {
      const name = Buffer.from(asked.value).toString().replace(/\0+$/, '').replaceAll(',', '_');
      if (name !== '' && !drafts.has(name)) return named(name, () => draft(name, name, { separate: true }));
    }
    const initramfs = initramfsPath.exec(path);
    if (initramfs !== null)
      return named('initramfs', () => draft('initramfs', `initramfs (kernel ${initramfs[1]})`, always));
    const own = owners.get(path);
    return own === undefined ? rest : drafts.get([...own].sort()[0]!)!;
  };
  const places = new Map<string, { readonly path: string; readonly draft: Draft }[]>();
  for (const { path, node } of tree.walk()) {
    if (node.type !== 'file') continue;
    const entry = { path, draft: componentOf(path, node.checksum) };
    const there = places.get(node.checksum);
    if (there === undefined) places.set(node.checksum, [entry]);
    else there.push(entry);
  }
  let duplicates = 0;
  for (const [checksum, at] of places) {
    if (at.length > 1) duplicates += 1;
    const { size } = tree.header(checksum);
    const first = at.map((p) => p.draft).reduce((a, b) => (rank(b, known) < rank(a, known) ? b : a));
    for (const { path, draft: own } of at) {
      const home = size <= sharedLimit ? own : first;
      const paths = home.files.get(checksum);
      if (paths !== undefined) {
        paths.push(path);
        continue;
      }
      home.files.set(checksum, [path]);
      home.size += size;
    }
  }
  const all = [...drafts.values(), ...special.values(), rest];
  const times = packages.map((h) => ({ title: formatNevra(nevraOfHeader(h)), time: h.getNumber(Tag.BuildTime) ?? 0 }));
  return {
    components: all.filter((c) => c.files.size > 0).sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1)),
    facts: {
      objects: places.size,
      packages: all.length,
      sources: new Set(all.map((c) => c.source)).size,
      rpmSize: packages.reduce((n, h) => n + Number(h.getNumber(Tag.LongSize) ?? h.getNumber(Tag.Size) ?? 0), 0),
      earliest: times.length === 0 ? undefined : times.reduce((a, b) => (b.time < a.time ? b : a)),
      duplicates,
      multipleOwners: [...owners]
        .filter(([path, names]) => names.size > 1 && tree.lookup(path)?.type === 'file')
        .map(([path]) => `/${path}`)
        .sort(),
    },
  };
}

/** Order of those who could have a shared object: known ones first, what no package owns last. */
function rank({ name }: Draft, known: ReadonlySet<string>): string {
  return `${name === unpackaged ? 2 : known.has(name) ? 0 : 1}${name}`;
}
