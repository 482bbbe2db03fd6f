// What a treefile takes from elsewhere and decides about the tree: it counts for whether a compose has anything to do.
import { createHash } from 'node:crypto';
import { errnoError } from '@coppice/base';
import { readFileChunks } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import type { Treefile } from '../treefile/treefile.ts';

function fileDigest(path: string): string {
  const hash = createHash('sha256');
  try {
    for (const chunk of readFileChunks(path)) hash.update(chunk);
  } catch (error) {
    throw errnoError(error, `Can't open file ${JSON.stringify(path)} for reading`);
  }
  return hash.digest('hex');
}

/** Digests of the files and layers that a treefile names, in its order. Throws `NotFound` for what is not there. */
export function externalDigests(treefile: Treefile, layers: Repo | undefined): string[] {
  const files = [
    ...(treefile.postprocessScript === undefined ? [] : [treefile.postprocessScript]),
    ...[treefile.checkPasswd, treefile.checkGroups].flatMap(({ type, filename }) =>
      type === 'file' && filename !== undefined ? [filename] : [],
    ),
    ...treefile.addFiles.map((f) => f.source),
  ];
  const refs = layers === undefined ? [] : [...treefile.layers, ...treefile.overrideLayers];
  return [
    ...files.map(fileDigest),
    ...refs.map((ref) => {
      const { tree, meta } = layers!.loadCommit(layers!.resolveRev(ref));
      return `${tree}${meta}`;
    }),
  ];
}
