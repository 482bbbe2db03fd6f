import { specVersions } from './types-table.ts';
import { child, type Fields, list, maybeInt, text } from './value.ts';

/** Changes one version into the next; `config` is the step's own copy. */
type Step = (config: Draft) => void;
interface Draft {
  [name: string]: Fields[string];
}

/** What changes on the way from 3.n to 3.n+1 besides the version: the rest are fields that keep their names. */
const steps: readonly Step[] = [
  // 3.0: the references to configs, certificates and contents become one type; the names stay.
  () => {},
  () => {},
  // 3.2: strings become pointers, which are then always there.
  (config) => {
    for (const link of list(child(config, 'storage'), 'links')) (link as Draft)['target'] = text(link, 'target');
    for (const array of list(child(config, 'storage'), 'raid')) (array as Draft)['level'] = text(array, 'level');
    for (const luks of list(child(config, 'storage'), 'luks')) {
      const custom = child(child(luks, 'clevis'), 'custom') as Draft | undefined;
      if (custom === undefined) continue;
      custom['config'] = text(custom, 'config');
      custom['pin'] = text(custom, 'pin');
    }
  },
  () => {},
  () => {},
  // 3.5: special mode bits were ignored before 3.6 made them mean something.
  (config) => {
    for (const kind of ['directories', 'files'])
      for (const node of list(child(config, 'storage'), kind)) {
        const mode = maybeInt(node, 'mode');
        if (mode !== undefined) (node as Draft)['mode'] = Number(BigInt(mode) & ~0o7000n);
      }
  },
  () => {},
];

/** A config of minor version `from` as one of version `to`, which must not be lower. The argument is left alone. */
export function upgradeConfig(config: Fields, from: number, to: number): Fields {
  const copy = structuredClone(config) as Draft;
  for (let minor = from; minor < to; minor++) steps[minor]!(copy);
  copy['ignition'] = { ...child(copy, 'ignition'), version: specVersions[to]! };
  return copy;
}
