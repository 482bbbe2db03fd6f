// The labels of a policy as libselinux's selabel_lookup gives them.

import { compilePattern, type FileContextSpec } from './filecontexts.ts';
import { type Substitution, substitute } from './substitutions.ts';

export interface PolicyParts {
  /** `SELINUXTYPE`, e.g. `targeted`. */
  readonly name: string;
  /** In the order of the files: base, homedirs, local. */
  readonly specs: readonly FileContextSpec[];
  readonly substitutions: readonly Substitution[];
  readonly distributionSubstitutions: readonly Substitution[];
}

/** First path component, `/usr` of `/usr/bin`; '' when the text does not fix one. */
function stemOf(prefix: string): string {
  const end = prefix.indexOf('/', 1);
  return end > 0 ? prefix.slice(0, end) : '';
}

export class LabelPolicy {
  readonly name: string;
  readonly #parts: PolicyParts;
  /** From the one that wins to the one that loses. */
  readonly #ranked: readonly FileContextSpec[];
  readonly #byStem = new Map<string, readonly FileContextSpec[]>();
  readonly #compiled = new Map<FileContextSpec, RegExp>();

  constructor(parts: PolicyParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#ranked = [
      ...parts.specs.filter((spec) => spec.exact).reverse(),
      ...parts.specs.filter((spec) => !spec.exact).reverse(),
    ];
  }

  /** The context of an absolute path inside the labelled tree, for an entry of this mode (0: of any type); undefined for none. */
  label(path: string, mode: number): string | undefined {
    const clean = path.replace(/\/+/g, '/').replace(/(?!^)\/$/, '');
    const own = substitute(this.#parts.substitutions, clean) ?? clean;
    const key = substitute(this.#parts.distributionSubstitutions, own) ?? own;
    const type = mode & 0o170000;
    for (const spec of this.#candidates(key)) {
      if (spec.type !== 0 && type !== 0 && spec.type !== type) continue;
      if (!key.startsWith(spec.prefix)) continue;
      if (spec.exact ? key.length === spec.prefix.length : this.#expression(spec).test(key)) return spec.context;
    }
    return undefined;
  }

  #candidates(path: string): readonly FileContextSpec[] {
    const end = path.indexOf('/', 1);
    const stem = end > 0 ? path.slice(0, end) : path;
    let list = this.#byStem.get(stem);
    if (list === undefined) {
      list = this.#ranked.filter((spec) => {
        const own = stemOf(spec.prefix);
        return own === '' || own === stem;
      });
      // Paths come from outside: do not keep a list for every first component someone invents.
      if (this.#byStem.size < 256) this.#byStem.set(stem, list);
    }
    return list;
  }

  #expression(spec: FileContextSpec): RegExp {
    let compiled = this.#compiled.get(spec);
    if (compiled === undefined) {
      compiled = compilePattern(spec.pattern);
      this.#compiled.set(spec, compiled);
    }
    return compiled;
  }
}

/**
 * The label that ostree gives a path of a tree. Policies say nothing of `/proc`, where something is mounted later: it gets the label
 * of `/mnt` (ostree-sepolicy.c).
 */
export function treeLabel(policy: LabelPolicy, path: string, mode: number): string | undefined {
  return policy.label(path === '/proc' ? '/mnt' : path, mode);
}
