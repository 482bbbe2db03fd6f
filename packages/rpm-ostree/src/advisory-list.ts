// Advisories as commits and the cached update hold them: a(suuasa{sv}) of id, kind, severity, packages and references.
import { byteswap, type Value, Variant, type VariantDict } from '@coppice/gvariant';
import type { Repo } from '@coppice/ostree';
import { isLayered } from './commit-facts.ts';
import type { Advisory } from './status/model.ts';

export const advisoriesKey = 'rpmostree.advisories';
export const advisoriesType = 'a(suuasa{sv})';
const kinds = ['unknown', 'security', 'bugfix', 'enhancement', 'newpackage'] as const;
const severities = ['none', 'low', 'moderate', 'important', 'critical'] as const;

type Row = readonly [string, number, number, readonly string[], readonly (readonly [string, Variant])[]];

/** The rows of the variant, numbers in the order of this machine. */
export function advisoryRows(advisories: readonly Advisory[]): Value {
  return advisories.map((a) => [
    a.id,
    kinds.indexOf(a.kind),
    severities.indexOf(a.severity),
    [...a.packages],
    new Map([
      [
        'cve_references',
        new Variant(
          'a(ss)',
          a.references.map((r) => [r.url, r.title]),
        ),
      ],
    ]),
  ]);
}

/** Composed commits hold numbers big-endian, everything else in the machine's order. */
export function advisoryVariant(advisories: readonly Advisory[], bigEndian: boolean): Variant {
  const native = new Variant(advisoriesType, advisoryRows(advisories));
  return bigEndian ? byteswap(native) : native;
}

function readRow([id, kind, severity, packages, more]: Row): Advisory {
  const references = new Map(more).get('cve_references');
  return {
    id,
    kind: kinds[kind] ?? 'unknown',
    severity: severities[severity] ?? 'none',
    packages,
    references: (references?.type === 'a(ss)' ? (references.value as readonly (readonly [string, string])[]) : []).map(
      ([url, title]) => ({ url, title }),
    ),
  };
}

/** What a dictionary holds under `key`; none when it is missing or of another type. */
export function advisoriesIn(dict: VariantDict, key: string, bigEndian: boolean): Advisory[] {
  const stored = dict.get(key);
  if (stored?.type !== advisoriesType) return [];
  const native = bigEndian ? byteswap(stored) : stored;
  return (native.value as unknown as readonly Row[]).map(readRow);
}

/** The advisories that a commit's packages fix; undefined when it does not say. */
export function advisoriesOfCommit(repo: Repo, commit: string): Advisory[] | undefined {
  const { metadata } = repo.loadCommit(commit);
  return metadata.has(advisoriesKey) ? advisoriesIn(metadata, advisoriesKey, !isLayered(metadata)) : undefined;
}

/** Advisories of the second commit that the first does not have, by id. */
export function newAdvisories(repo: Repo, from: string, to: string): Advisory[] {
  const known = new Set(advisoriesOfCommit(repo, from)?.map((a) => a.id));
  return (advisoriesOfCommit(repo, to) ?? []).filter((a) => !known.has(a.id));
}
