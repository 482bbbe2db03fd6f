import { prefixError } from '@coppice/base';
import { parseDependencyText } from '../capability.ts';
import { senseMask } from '../dependency.ts';
import type { HeaderBuilder } from '../header/header-builder.ts';
import { type DependencyKind, dependencyTags, Sense } from '../package/dependencies.ts';
import { isRich } from '../rich.ts';
import type { DependencySpec } from './spec.ts';

/** One dependency as it goes into a header. */
export interface RawDependency {
  readonly name: string;
  readonly evr: string;
  readonly flags: number;
}

/** Throws `Invalid` on a malformed rich dependency. */
export function rawDependency(spec: DependencySpec): RawDependency {
  if (typeof spec !== 'string')
    return { name: spec.name, evr: spec.evr, flags: (spec.flags & senseMask) | (spec.sense ?? 0) };
  const text = spec.trim();
  let parsed: ReturnType<typeof parseDependencyText>;
  try {
    parsed = parseDependencyText(text);
  } catch (error) {
    throw prefixError(error, `dependency ${text}`);
  }
  // rpm keeps a rich dependency as its text.
  return isRich(parsed) ? { name: text, evr: '', flags: 0 } : parsed;
}

/** Byte-wise order of names (they are ASCII in practice, and UTF-16 order agrees there). */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A set that sorts and drops duplicates as rpm's dependency sets do: by name, version, flags. */
export class DependencySet {
  readonly #items = new Map<string, RawDependency>();

  add(dependency: RawDependency): void {
    this.#items.set(`${dependency.name}\0${dependency.evr}\0${dependency.flags}`, dependency);
  }

  /** `rpmlib(FEATURE) <= VERSION`. */
  needsFeature(feature: string, version: string): void {
    this.add({ name: `rpmlib(${feature})`, evr: version, flags: Sense.rpmlib | 10 });
  }

  sorted(): RawDependency[] {
    return [...this.#items.values()].sort((a, b) => order(a.name, b.name) || order(a.evr, b.evr) || a.flags - b.flags);
  }

  put(builder: HeaderBuilder, kind: DependencyKind): void {
    const list = this.sorted();
    const tags = dependencyTags[kind];
    builder.put(
      tags.name,
      list.map((d) => d.name),
    );
    builder.put(
      tags.version,
      list.map((d) => d.evr),
    );
    builder.put(
      tags.flags,
      list.map((d) => d.flags),
    );
  }
}
