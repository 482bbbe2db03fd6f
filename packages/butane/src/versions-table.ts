import type { StructDef, TableLayer } from '@coppice/ignition';
import { configSchema, ignitionTypes, resolveSchema } from '@coppice/ignition';
import {
  baseTypes,
  fcosConfigFields,
  fcosTypes,
  machineConfigTypes,
  openshiftConfigFields,
  openshiftTypes,
} from './types-table.ts';

export type Variant = 'fcos' | 'flatcar' | 'openshift' | 'r4e' | 'fiot';

/** What a variant's version is made of. */
export interface Spec {
  readonly variant: Variant;
  readonly version: string;
  /** Version of the shared layer. */
  readonly base: number;
  /** Minor version of the Ignition config it becomes. */
  readonly ignition: number;
  /** Minor version of the fcos layer, also below openshift. */
  readonly fcos?: number;
  /** Minor version of the openshift layer. */
  readonly openshift?: number;
}

interface Row extends Omit<Spec, 'variant' | 'version'> {}

export const versions = {
  fcos: {
    '1.0.0': { base: 1, ignition: 0, fcos: 0 },
    '1.1.0': { base: 2, ignition: 1, fcos: 1 },
    '1.2.0': { base: 3, ignition: 2, fcos: 2 },
    '1.3.0': { base: 3, ignition: 2, fcos: 3 },
    '1.4.0': { base: 4, ignition: 3, fcos: 4 },
    '1.5.0': { base: 5, ignition: 4, fcos: 5 },
    '1.6.0': { base: 6, ignition: 5, fcos: 6 },
    '1.7.0': { base: 7, ignition: 6, fcos: 7 },
    '1.8.0-experimental': { base: 8, ignition: 7, fcos: 8 },
  },
  flatcar: {
    '1.0.0': { base: 4, ignition: 3 },
    '1.1.0': { base: 5, ignition: 4 },
    '1.2.0-experimental': { base: 8, ignition: 7 },
  },
  r4e: {
    '1.0.0': { base: 4, ignition: 3 },
    '1.1.0': { base: 5, ignition: 4 },
    '1.2.0-experimental': { base: 8, ignition: 7 },
  },
  fiot: {
    '1.0.0': { base: 5, ignition: 4 },
    '1.1.0-experimental': { base: 8, ignition: 7 },
  },
  openshift: {
    '4.8.0': { base: 3, ignition: 2, fcos: 3, openshift: 8 },
    '4.9.0': { base: 3, ignition: 2, fcos: 3, openshift: 9 },
    '4.10.0': { base: 3, ignition: 2, fcos: 3, openshift: 10 },
    '4.11.0': { base: 3, ignition: 2, fcos: 3, openshift: 11 },
    '4.12.0': { base: 3, ignition: 2, fcos: 3, openshift: 12 },
    '4.13.0': { base: 3, ignition: 2, fcos: 3, openshift: 13 },
    '4.14.0': { base: 5, ignition: 4, fcos: 5, openshift: 14 },
    '4.15.0': { base: 5, ignition: 4, fcos: 5, openshift: 15 },
    '4.16.0': { base: 5, ignition: 4, fcos: 5, openshift: 16 },
    '4.17.0': { base: 5, ignition: 4, fcos: 5, openshift: 17 },
    '4.18.0': { base: 5, ignition: 4, fcos: 5, openshift: 18 },
    '4.19.0': { base: 6, ignition: 5, fcos: 6, openshift: 19 },
    '4.20.0': { base: 6, ignition: 5, fcos: 6, openshift: 20 },
    '4.21.0': { base: 6, ignition: 5, fcos: 6, openshift: 21 },
    '4.22.0': { base: 6, ignition: 5, fcos: 6, openshift: 22 },
    '4.23.0-experimental': { base: 8, ignition: 7, fcos: 8, openshift: 23 },
  },
} as const satisfies Readonly<Record<Variant, Readonly<Record<string, Row>>>>;

/** The spec of a variant and version, undefined when there is none. */
export function findSpec(variant: string, version: string): Spec | undefined {
  if (!Object.hasOwn(versions, variant)) return undefined;
  const rows: Readonly<Record<string, Row>> = versions[variant as Variant];
  const row = Object.hasOwn(rows, version) ? rows[version] : undefined;
  return row === undefined ? undefined : { variant: variant as Variant, version, ...row };
}

/** All specs, by variant in order of age. */
export function allSpecs(): Spec[] {
  return (Object.keys(versions) as Variant[]).flatMap((variant) =>
    Object.keys(versions[variant]).map((version) => findSpec(variant, version)!),
  );
}

const sourceSchemas = new Map<string, StructDef>();
const machineConfigSchemas = new Map<number, StructDef>();

function goPackage(version: string, major: string): string {
  const [, minor] = version.split('.');
  return `v${major}_${minor}${version.endsWith('-experimental') ? '_exp' : ''}`;
}

/** The struct that configs of a spec are read into. */
export function sourceSchema(spec: Spec): StructDef {
  const key = `${spec.variant}+${spec.version}`;
  let schema = sourceSchemas.get(key);
  if (schema === undefined) {
    schema = resolveSchema(sourceLayers(spec), 'Config');
    sourceSchemas.set(key, schema);
  }
  return schema;
}

function sourceLayers(spec: Spec): TableLayer[] {
  const layers: TableLayer[] = [
    { goPackage: spec.base === 8 ? 'v0_8_exp' : `v0_${spec.base}`, version: spec.base, types: baseTypes },
  ];
  const config: Record<string, string> = { ...pick(baseTypes.Config, spec.base) };
  if (spec.fcos !== undefined) {
    layers.push({ goPackage: spec.fcos === 8 ? 'v1_8_exp' : `v1_${spec.fcos}`, version: spec.fcos, types: fcosTypes });
    Object.assign(config, pick(fcosConfigFields, spec.fcos));
  }
  const major = spec.variant === 'openshift' ? '4' : '1';
  const own = goPackage(spec.version, major);
  if (spec.openshift !== undefined) {
    layers.push({ goPackage: own, version: spec.openshift, types: openshiftTypes });
    Object.assign(config, pick(openshiftConfigFields, spec.openshift));
  }
  layers.push({ goPackage: own, version: 0, types: { Config: config } });
  return layers;
}

/** Rows of a layer that exist in its version, without their ranges. */
function pick(rows: Readonly<Record<string, string>>, version: number): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, row] of Object.entries(rows)) {
    const match = / @(\d+)(?:\.\.(\d+))?/.exec(row);
    if (match !== null && (version < Number(match[1]) || version > Number(match[2] ?? version))) continue;
    out[name] = row.replace(/ @\d+(?:\.\.\d+)?/, '');
  }
  return out;
}

/** The struct that a spec's output has: Ignition's, or the MachineConfig around it. */
export function outputSchema(spec: Spec, raw: boolean): StructDef {
  if (spec.openshift === undefined || raw) return configSchema(spec.ignition);
  let schema = machineConfigSchemas.get(spec.ignition);
  if (schema === undefined) {
    schema = resolveSchema(
      [
        { goPackage: 'types', version: spec.ignition, types: ignitionTypes },
        { goPackage: 'result', version: 0, types: machineConfigTypes },
      ],
      'MachineConfig',
    );
    machineConfigSchemas.set(spec.ignition, schema);
  }
  return schema;
}
