// createrepo: scans a directory of packages and writes repodata/ beside them.
import { type CreatedRepository, type CreateOptions, metadataKinds, packingOf } from './create-options.ts';
import { packMetadata } from './metadata-file.ts';
import { type MetadataKind, metadataChunks, packageXml } from './metadata-writer.ts';
import { PackageDescriber } from './package-describer.ts';
import { prepareRepository, publishConcurrently, publishRepository } from './publish-repository.ts';
import { RepositoryWriting } from './repository-writing.ts';

/**
 * Writes the repository metadata of `dir`. The new files are written beside the old ones and repomd.xml is replaced last,
 * so that a reader sees the old repository or the new one; files of the old one are removed after that.
 */
export function createRepository(dir: string, options: CreateOptions = {}): CreatedRepository {
  const describer = new PackageDescriber(dir, options);
  const xml: Record<MetadataKind, string[]> = { primary: [], filelists: [], other: [] };
  const found = describer.find();
  let reused = 0;
  let bad = 0;
  for (const file of found) {
    const old = describer.known(file);
    try {
      if (old === undefined) options.onRead?.(file.href);
      const pkg = old === undefined ? describer.describe(file) : undefined;
      const elements = metadataKinds.map((kind) => (pkg === undefined ? old!(kind) : packageXml(kind, pkg)));
      metadataKinds.forEach((kind, i) => {
        xml[kind].push(elements[i]!);
      });
      if (old !== undefined) reused++;
    } catch (error) {
      describer.bad(file, error);
      bad++;
    }
  }
  const packages = found.length - bad;
  const packed = metadataKinds.map((kind) =>
    packMetadata(kind, `${kind}.xml`, metadataChunks(kind, packages, xml[kind]), packingOf(options)),
  );
  const prepared = prepareRepository(dir, packed, options);
  return { repomd: publishRepository(prepared, options), packages, reused, bad };
}

/** The same with large packages hashed and metadata compressed on Node's own threads, and without holding the metadata. */
export async function createRepositoryConcurrently(
  dir: string,
  options: CreateOptions = {},
): Promise<CreatedRepository> {
  const describer = new PackageDescriber(dir, options);
  let files = describer.find();
  const total = files.length;
  for (;;) {
    const writing = new RepositoryWriting(describer, files, options);
    const packed = await writing.run();
    // The documents begin with the number of packages: when some are bad, all is written again without them.
    if (writing.bad.size === 0) {
      const prepared = prepareRepository(dir, packed, options);
      return {
        repomd: await publishConcurrently(prepared, options),
        packages: files.length,
        reused: writing.reused,
        bad: total - files.length,
      };
    }
    files = files.filter((file) => !writing.bad.has(file));
  }
}
