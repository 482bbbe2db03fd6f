// Dependencies put together step by step (`genid lit A`, `genid lit 1`, `genid op =`) and taken apart again.
import { CoppiceError } from '@coppice/base';
import type { Pool } from '../pool.ts';
import { type Field, field } from '../pool-package.ts';
import { isRel, rel } from '../strings.ts';
import { formatTestDependency, operatorText, parseOperator, parseTestDependency } from './dep-syntax.ts';
import { type SuseDependencyKind, suseDependency } from './suse-deps.ts';

/** Carries out one `genid` command on the stack of ids. Throws `Invalid`. */
export function genidCommand(pool: Pool, stack: number[], kind: string | undefined, text: string): void {
  const top = (): number => {
    const id = stack.pop();
    if (id === undefined) throw new CoppiceError('Invalid', `genid: not enough ids for '${kind}'`);
    return id;
  };
  switch (kind) {
    case 'null':
      stack.push(0);
      break;
    case 'lit':
      stack.push(pool.ids.string(text));
      break;
    case 'dep':
      stack.push(parseTestDependency(pool, text));
      break;
    case 'op': {
      const evr = top();
      stack.push(pool.ids.relation(top(), parseOperator(text), evr));
      break;
    }
    case 'susedep': {
      const id = top();
      stack.push(suseDependency(pool, id, text.replace(/^solvable:/, '') as SuseDependencyKind) ?? id);
      break;
    }
    default:
      throw new CoppiceError('Invalid', `genid: unknown command '${kind}'`);
  }
}

/** The lines that tell how a dependency is put together. */
export function genidLines(pool: Pool, dep: number): string[] {
  const { ids } = pool;
  const text = formatTestDependency(pool, dep);
  const out = [`genid dep ${text}`];
  const back = parseTestDependency(pool, text);
  if (back !== dep) out.push(`genid roundtrip error: ${formatTestDependency(pool, back)}`);
  let count = 0;
  const line = (what: string): void => {
    out.push(`genid ${String(++count).padStart(2)}: genid ${what}`.trimEnd());
  };
  const walk = (id: number): void => {
    if (!isRel(id)) line(id === 0 ? 'null' : `lit ${ids.text(id)}`);
    else {
      walk(ids.relName(id));
      walk(ids.relEvr(id));
      line(`op ${operatorText(ids.relFlag(id))}`);
    }
  };
  walk(dep);
  return out;
}

const lists: Readonly<Record<string, Field>> = {
  requires: field.requires,
  provides: field.provides,
  conflicts: field.conflicts,
  obsoletes: field.obsoletes,
  recommends: field.recommends,
  suggests: field.suggests,
  supplements: field.supplements,
  enhances: field.enhances,
};

/** The list of a package that `solvable:requires` and the like name. Throws `Invalid`. */
export function dependencyListOf(pool: Pool, key: string, p: number): number[] {
  const name = key.replace(/^solvable:/, '');
  if (name === 'name') return [pool.ids.relation(pool.names.data[p]!, rel.eq, pool.evrs.data[p]!)];
  const which = Object.hasOwn(lists, name) ? lists[name] : undefined;
  if (which === undefined) throw new CoppiceError('Invalid', `unknown list of dependencies '${key}'`);
  return pool.list(p, which);
}
