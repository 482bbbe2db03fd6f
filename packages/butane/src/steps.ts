import { child, configSchema, type Fields, specVersions } from '@coppice/ignition';
import { addBootDevice } from './boot-device.ts';
import { contentHooks } from './contents.ts';
import { copyStruct } from './copy.ts';
import { addGrubUsers } from './grub.ts';
import { addMountUnits } from './mount-units.ts';
import { checkPartitions } from './partitions.ts';
import { addQuadlets } from './quadlets.ts';
import type { TranslationState } from './state.ts';
import { addTrees } from './trees.ts';
import { type Spec, sourceSchema } from './versions-table.ts';

/** One step of desugaring, and the specs that take it. */
interface Step {
  readonly name: string;
  readonly applies: (spec: Spec) => boolean;
  readonly run: (state: TranslationState) => void;
  /** Errors so far end the translation behind this step. */
  readonly gate?: true;
}

/** From a source config to an Ignition config, in order. */
export const steps: readonly Step[] = [
  { name: 'copy equal fields, embed contents', applies: () => true, run: copyConfig },
  { name: 'mount units', applies: (spec) => spec.base >= 2, run: addMountUnits },
  { name: 'local trees', applies: (spec) => spec.base >= 2, run: addTrees },
  { name: 'quadlets', applies: (spec) => spec.base >= 8, run: addQuadlets },
  { name: 'end of the base layer', applies: () => true, run: () => {}, gate: true },
  { name: 'boot device', applies: (spec) => (spec.fcos ?? 0) >= 3, run: addBootDevice },
  {
    name: 'partition checks',
    applies: (spec) => spec.fcos !== undefined,
    run: (state) => checkPartitions(state, state.spec.fcos! >= 3),
  },
  { name: 'GRUB users', applies: (spec) => (spec.fcos ?? 0) >= 5, run: addGrubUsers },
];

/** Runs the steps; false when errors ended them. */
export function runSteps(state: TranslationState): boolean {
  for (const step of steps) {
    if (!step.applies(state.spec)) continue;
    step.run(state);
    if (step.gate && state.report.fatal) return false;
  }
  return true;
}

const sections = ['kernel_arguments', 'passwd', 'storage', 'systemd'] as const;

function copyConfig(state: TranslationState): void {
  const schema = sourceSchema(state.spec);
  const copySection = (name: string, to: string): Fields | undefined => {
    const type = schema.byName.get(name)?.type;
    const value = child(state.source, name);
    if (type === undefined || value === undefined) return undefined;
    const copy = copyStruct(value, type, [name], [to], state, contentHooks);
    return Object.keys(copy).length === 0 ? undefined : copy;
  };
  state.config['ignition'] = { ...copySection('ignition', 'ignition'), version: specVersions[state.spec.ignition]! };
  state.translations.add(['version'], ['ignition', 'version']);
  state.translations.add(['ignition'], ['ignition']);
  for (const name of sections) {
    const to = name === 'kernel_arguments' ? 'kernelArguments' : name;
    const copy = copySection(name, to);
    if (copy !== undefined && configSchema(state.spec.ignition).byName.has(to)) state.config[to] = copy;
  }
}
