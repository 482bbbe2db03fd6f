import type { Dependency } from '../dependency.ts';
import { senseMask } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';

export const dependencyKinds = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'recommends',
  'suggests',
  'supplements',
  'enhances',
  'order',
] as const;
export type DependencyKind = (typeof dependencyKinds)[number];

export const dependencyTags: Readonly<Record<DependencyKind, { name: number; version: number; flags: number }>> = {
  provides: { name: Tag.ProvideName, version: Tag.ProvideVersion, flags: Tag.ProvideFlags },
  requires: { name: Tag.RequireName, version: Tag.RequireVersion, flags: Tag.RequireFlags },
  conflicts: { name: Tag.ConflictName, version: Tag.ConflictVersion, flags: Tag.ConflictFlags },
  obsoletes: { name: Tag.ObsoleteName, version: Tag.ObsoleteVersion, flags: Tag.ObsoleteFlags },
  recommends: { name: Tag.RecommendName, version: Tag.RecommendVersion, flags: Tag.RecommendFlags },
  suggests: { name: Tag.SuggestName, version: Tag.SuggestVersion, flags: Tag.SuggestFlags },
  supplements: { name: Tag.SupplementName, version: Tag.SupplementVersion, flags: Tag.SupplementFlags },
  enhances: { name: Tag.EnhanceName, version: Tag.EnhanceVersion, flags: Tag.EnhanceFlags },
  order: { name: Tag.OrderName, version: Tag.OrderVersion, flags: Tag.OrderFlags },
};

/** RPMSENSE_* bits beside the comparison. */
export const Sense = {
  postTrans: 1 << 5,
  preReq: 1 << 6,
  preTrans: 1 << 7,
  interp: 1 << 8,
  scriptPre: 1 << 9,
  scriptPost: 1 << 10,
  scriptPreUn: 1 << 11,
  scriptPostUn: 1 << 12,
  scriptVerify: 1 << 13,
  findRequires: 1 << 14,
  findProvides: 1 << 15,
  triggerIn: 1 << 16,
  triggerUn: 1 << 17,
  triggerPostUn: 1 << 18,
  missingOk: 1 << 19,
  preUnTrans: 1 << 20,
  postUnTrans: 1 << 21,
  rpmlib: 1 << 24,
  triggerPreIn: 1 << 25,
  keyring: 1 << 26,
  config: 1 << 28,
  meta: 1 << 29,
} as const;

/** A dependency of a header; `raw` are all its flag bits. */
export interface HeaderDependency extends Dependency {
  readonly raw: number;
}

/** Dependencies in header order. A rich one has its whole text as `name`. */
export function headerDependencies(header: Header, kind: DependencyKind): HeaderDependency[] {
  const tags = dependencyTags[kind];
  const names = header.getStrings(tags.name);
  if (names.length === 0) return [];
  const versions = header.getStrings(tags.version);
  const flags = header.getNumbers(tags.flags);
  return names.map((name, i) => {
    const raw = flags[i] ?? 0;
    const evr = versions[i] ?? '';
    return { name, evr, flags: evr === '' ? 0 : raw & senseMask, raw };
  });
}
