// mergerepo: one repository's metadata out of several, whose packages stay where they are.
import { basename, join, resolve } from 'node:path';
import { type Compression, collectBytes } from '@coppice/archive';
import { CoppiceError, errnoError } from '@coppice/base';
import { hostFs, readFile } from '@coppice/linux';
import type { CreateOptions, MetadataDerivation } from './create-options.ts';
import { metadataKinds, packingOf } from './create-options.ts';
import { KojiChoice } from './koji-choice.ts';
import { findRecord, type LoadedRepository, loadRepository, metadataBytes } from './load-repository.ts';
import { type ChoiceOptions, MergeChoice } from './merge-choice.ts';
import { packMetadata } from './metadata-file.ts';
import { metadataChunks, packageXml } from './metadata-writer.ts';
import { prepareRepository, publishRepository } from './publish-repository.ts';
import type { Repomd } from './repomd.ts';
import { type RepositoryPackage, writtenBase } from './repository-package.ts';

type Shared = 'fs' | 'clock' | 'checksum' | 'simpleNames' | 'revision' | 'timestamp';

export interface MergeOptions extends ChoiceOptions, Pick<CreateOptions, Shared> {
  /** Only packages of these architectures. */
  readonly archs?: ReadonlySet<string>;
  /** Packages without a base get none. */
  readonly omitBase?: boolean;
  /** How the names of repositories begin, and what packages have in its place. */
  readonly prefix?: { readonly search: string; readonly replace: string };
  /** Packages of `noarch` are those of this repository, where it has them. */
  readonly noarchRepository?: string;
  /** Only what one build of a source package made, of the first repository that has one; `blocked` source packages not at all. */
  readonly koji?: { readonly blocked: readonly string[] };
  /** Say in a file where each package is from; those of the first repository have no base. */
  readonly origins?: boolean;
  /** Comps files are left out, or it is this one in place of the first that is found. */
  readonly groups?: false | string;
  readonly updateinfo?: boolean;
  /** Of comps and advisories (default gzip, as everything else). */
  readonly compression?: Compression;
  /** What goes beside the documents; `base` gives what packages had before it became an address. */
  readonly derivation?: (base: (written: string) => string) => MetadataDerivation;
  /** Where names of repositories are looked for (default: the working directory). */
  readonly cwd?: string;
}

/** mergerepo_c never merges advisories: it writes an empty list. */
const noAdvisories = '<?xml version="1.0"?>\n<updates></updates>\n';
/** mergerepo_c calls it so whatever the compression is. */
const packedType = 'group_gz';
const groupLimit = 256 * 1024 * 1024;

type Extra = NonNullable<CreateOptions['extra']>[number];

/** The comps file of the first repository that has one. */
function groupOf(repositories: readonly LoadedRepository[], options: MergeOptions): Extra[] {
  const { groups, cwd = '.', fs = hostFs } = options;
  if (groups === false) return [];
  if (groups !== undefined) {
    try {
      return [
        {
          type: 'group',
          packedType,
          name: basename(groups),
          bytes: readFile(resolve(cwd, groups), { fs, limit: groupLimit }),
        },
      ];
    } catch (error) {
      throw errnoError(error, groups);
    }
  }
  for (const { path, repomd } of repositories) {
    const record = findRecord(repomd, 'group');
    if (record === undefined) continue;
    const bytes = collectBytes(metadataBytes(join(path, record.href), record, fs), groupLimit, record.href);
    return [{ type: 'group', packedType, name: basename(record.href).replace(/^[0-9a-f]{32,128}-/, ''), bytes }];
  }
  return [];
}

/** Gives a package its base, where it has none. */
function withBase(pkg: RepositoryPackage, base: string | undefined): RepositoryPackage {
  const { href } = pkg.location;
  if (pkg.location.base === undefined && base !== undefined)
    Object.defineProperty(pkg, 'location', { value: { href, base } });
  return pkg;
}

/** What one of the repositories is called in metadata: without a slash at its end. */
function baseOf(name: string, { prefix }: MergeOptions): string {
  const plain = name.replace(/(?<=.)\/+$/, '');
  return prefix !== undefined && plain.startsWith(prefix.search)
    ? prefix.replace + plain.slice(prefix.search.length)
    : plain;
}

/** Packages of the merged repository, and where they are from. */
function choose(
  names: readonly string[],
  repositories: readonly LoadedRepository[],
  options: MergeOptions,
): { readonly packages: RepositoryPackage[]; readonly origins: string } {
  const choice = new MergeChoice(options);
  const { koji, archs, omitBase = false } = options;
  const noarch = new Map<string, RepositoryPackage>();
  if (options.noarchRepository !== undefined) {
    const { noarchRepository: name, cwd = '.', fs = hostFs } = options;
    const { packages } = loadRepository(resolve(cwd, name), { fs, filelists: true, changelogs: true });
    for (const pkg of packages) noarch.set(pkg.location.href, withBase(pkg, baseOf(name, options)));
  }
  const rule =
    koji === undefined
      ? undefined
      : new KojiChoice(
          repositories.map(({ packages }) => packages),
          koji.blocked,
          options.simple === true,
        );
  let origins = '';
  for (const [i, { packages }] of repositories.entries()) {
    const written = writtenBase(names[i]!.replace(/\/*$/, '/'))!;
    const base = omitBase || (options.origins === true && i === 0) ? undefined : baseOf(names[i]!, options);
    for (const own of packages) {
      const pkg = (own.arch === 'noarch' ? noarch.get(own.location.href) : undefined) ?? own;
      if (archs?.has(pkg.arch) === false || rule?.allows(pkg) === false) continue;
      const taken = choice.add(withBase(pkg, base));
      if (taken === 'added') origins += `${pkg.name}-${pkg.version}-${pkg.release}.${pkg.arch}\t${written}\n`;
    }
  }
  return { packages: choice.packages(), origins };
}

/**
 * Writes the metadata of the repositories in `names`, merged, to `output`/repodata. Throws what `loadRepository` throws.
 * Of several packages of one name and architecture in one repository, its document's first counts as first.
 */
export function mergeRepositories(names: readonly string[], output: string, options: MergeOptions = {}): Repomd {
  const { fs = hostFs, cwd = '.', compression = 'gzip' } = options;
  if (names.length === 0) throw new CoppiceError('Usage', 'no repositories to merge');
  const repositories = names.map((name) =>
    loadRepository(resolve(cwd, name), { fs, filelists: true, changelogs: true }),
  );
  const { packages, origins } = choose(names, repositories, options);
  const { koji: _koji, derivation, ...rest } = options;
  const bases = new Map(packages.map(({ location }) => [writtenBase(location.base) ?? '', location.base ?? '']));
  const extra: Extra[] = groupOf(repositories, options);
  if (options.updateinfo !== false)
    extra.push({ type: 'updateinfo', name: 'updateinfo.xml', bytes: Buffer.from(noAdvisories), compression });
  if (options.origins === true) extra.push({ type: 'origin', name: 'pkgorigins', bytes: Buffer.from(origins) });
  const create: CreateOptions = {
    ...rest,
    compression: 'gzip',
    groupCompression: compression,
    extra,
    ...(derivation === undefined ? {} : { derivation: derivation((base) => bases.get(base) ?? base) }),
  };
  const packed = metadataKinds.map((kind) => {
    const xml = packages.map((pkg) => packageXml(kind, pkg));
    return packMetadata(kind, `${kind}.xml`, metadataChunks(kind, packages.length, xml), packingOf(create));
  });
  return publishRepository(prepareRepository(output, packed, create), create);
}
