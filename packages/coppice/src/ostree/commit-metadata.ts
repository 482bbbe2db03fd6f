import { CoppiceError, prefixError } from '@coppice/base';
import { Variant } from '@coppice/gvariant';
import type { OstreeCall } from './verb.ts';

/** Splits `KEY=VALUE`; throws in the original's words. */
export function keyValue(text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 0) throw new CoppiceError('Usage', `Missing '=' in KEY=VALUE metadata '${text}'`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Metadata as it is put together: a key that is given twice is there twice. */
export type MetadataList = [key: string, value: Variant][];

/** The metadata of a new commit, in argument order. `parent` is where kept keys come from. */
export async function commitMetadata(call: OstreeCall, parent: string | undefined): Promise<MetadataList> {
  const { repo, options } = call;
  const out: MetadataList = [];
  for (const text of options.strings('add-metadata-string')) {
    const [key, value] = keyValue(text);
    out.push([key, Variant.string(value)]);
  }
  for (const text of options.strings('add-metadata')) {
    const [key, value] = keyValue(text);
    const { parseVariant } = await import('@coppice/gvariant');
    try {
      out.push([key, parseVariant(value)]);
    } catch (error) {
      throw prefixError(error, `Parsing ${text}`);
    }
  }
  const kept = options.strings('keep-metadata');
  if (kept.length > 0) {
    if (parent === undefined) {
      throw new CoppiceError('Usage', 'Either --branch or --parent must be specified when using --keep-metadata');
    }
    // Of a key that is there twice the last is kept.
    const [pairs] = Variant.decode('(a{sv}aya(say)sstayay)', repo.loadCommitBytes(parent)).value as [MetadataList];
    const metadata = new Map(pairs);
    for (const key of kept) {
      const value = metadata.get(key);
      if (value === undefined) {
        throw new CoppiceError('NotFound', `Missing metadata key '${key}' from commit '${parent}'`);
      }
      out.push([key, value]);
    }
  }
  return out;
}

/** Adds the ref and collection bindings unless --no-bindings. */
export function addBindings({ repo, options }: OstreeCall, metadata: MetadataList): void {
  if (options.flag('no-bindings')) return;
  const branch = options.string('branch');
  const refs = [...(branch === undefined ? [] : [branch]), ...options.strings('bind-ref')];
  refs.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  metadata.push(['ostree.ref-binding', Variant.strings(refs)]);
  const { collectionId } = repo.settings;
  if (collectionId !== undefined && !metadata.some(([key]) => key === 'ostree.collection-binding')) {
    metadata.push(['ostree.collection-binding', Variant.string(collectionId)]);
  }
}

/** Detached metadata given on the command line; undefined when there is none. */
export function detachedMetadata({ options }: OstreeCall): MetadataList | undefined {
  const given = options.strings('add-detached-metadata-string');
  if (given.length === 0) return undefined;
  const out: MetadataList = [];
  for (const text of given) {
    const [key, value] = keyValue(text);
    out.push([key, Variant.string(value)]);
  }
  return out;
}
