// How the files of a tree are divided into layers: what changes together belongs together, that is, packages. The largest get
// a layer each, the rest share one, and what no package owns is in the last.
import type { Header } from '@coppice/rpm';
import { Tag } from '@coppice/rpm';
import { imageFiles } from '../assemble/package-files.ts';
import type { ImageTree } from '../tree/image-tree.ts';

export interface Chunk {
  readonly name: string;
  /** Content checksums with the paths that have them. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly size: number;
}

interface Draft {
  readonly name: string;
  readonly files: Map<string, string[]>;
  size: number;
}

/** Divides all files of `tree`; at most `maxLayers` chunks, the last one for what no package owns. Deterministic. */
export function chunkTree(tree: ImageTree, packages: readonly Header[], maxLayers: number): Chunk[] {
  const owner = new Map<string, string>();
  const sorted = [...packages].sort((a, b) => ((a.getString(Tag.Name) ?? '') < (b.getString(Tag.Name) ?? '') ? -1 : 1));
  for (const header of sorted) {
    // Packages built from one source change together.
    const name = (header.getString(Tag.SourceRpm) ?? header.getString(Tag.Name) ?? '').replace(
      /-[^-]+-[^-]+\.src\.rpm$/,
      '',
    );
    for (const { path } of imageFiles(header)) if (!owner.has(path)) owner.set(path, name);
  }
  const drafts = new Map<string, Draft>();
  const home = new Map<string, Draft>();
  for (const { path, node } of tree.walk()) {
    if (node.type !== 'file') continue;
    const name = owner.get(path) ?? '';
    let draft = home.get(node.checksum);
    if (draft === undefined) {
      draft = drafts.get(name);
      if (draft === undefined) {
        draft = { name, files: new Map(), size: 0 };
        drafts.set(name, draft);
      }
      home.set(node.checksum, draft);
      draft.files.set(node.checksum, []);
      draft.size += tree.header(node.checksum).size;
    }
    draft.files.get(node.checksum)!.push(path);
  }
  const rest = drafts.get('') ?? { name: '', files: new Map(), size: 0 };
  drafts.delete('');
  const bySize = [...drafts.values()].sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  const own = bySize.slice(0, Math.max(0, maxLayers - 2));
  const shared = bySize.slice(own.length);
  const out: Chunk[] = own.map((d) => ({ ...d, name: d.name }));
  if (shared.length > 0) {
    const files = new Map<string, string[]>();
    for (const d of shared.sort((a, b) => (a.name < b.name ? -1 : 1)))
      for (const [c, paths] of d.files) files.set(c, paths);
    out.push({ name: `${shared.length} components`, files, size: shared.reduce((n, d) => n + d.size, 0) });
  }
  out.push({ ...rest, name: 'unpackaged' });
  return out;
}
