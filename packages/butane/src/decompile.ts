import {
  asInt,
  byteLength,
  child,
  decodeDataUrl,
  downgradeConfig,
  type Fields,
  gunzip,
  isFields,
  maybeText,
  parseConfig,
  type StructDef,
  specVersions,
  text,
  texts,
  upgradeConfig,
  type Value,
} from '@coppice/ignition';
import { type Diagnostic, translate } from './diagnostics.ts';
import { readMachineConfig } from './machine-config-reader.ts';
import { firstDifference } from './same-meaning.ts';
import { camelCase } from './translations.ts';
import { allSpecs, findSpec, type Spec, sourceSchema, type Variant } from './versions-table.ts';
import { type TidyMap, type TidyValue, writeTidyYaml } from './yaml/tidy.ts';

export interface DecompileOptions {
  /** `fcos` unless the input is a MachineConfig. */
  readonly variant?: Variant;
  /** The version with the same Ignition spec unless given. */
  readonly version?: string;
}

export interface Decompiled {
  /** The Butane config, undefined when there are errors. */
  readonly butane: string | undefined;
  readonly spec: Spec | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * An Ignition config (or a MachineConfig) as a Butane config: contents inline where they are text, modes octal. What
 * comes out is translated again and must mean the same, else there is an error with the place.
 */
export function decompile(bytes: Uint8Array, options: DecompileOptions = {}): Decompiled {
  const wrapper = readMachineConfig(bytes);
  const inner =
    wrapper === undefined ? bytes : new TextEncoder().encode(JSON.stringify(child(child(wrapper, 'spec'), 'config')));
  const parsed = parseConfig(inner, '2.26');
  const diagnostics: Diagnostic[] = parsed.report.entries.map((entry) => ({
    code: entry.code,
    severity: entry.severity,
    message: entry.message,
    path: entry.path,
    line: entry.position?.line,
    column: entry.position?.column,
    hint: undefined,
  }));
  const failed = (code: string, message: string, path: Diagnostic['path'] = []): Decompiled => ({
    butane: undefined,
    spec: undefined,
    diagnostics: [
      ...diagnostics,
      { code, severity: 'error', message, path, line: undefined, column: undefined, hint: undefined },
    ],
  });
  if (parsed.failure !== undefined) return failed(parsed.failure, 'not an Ignition config of a known version');
  if (parsed.config === undefined || parsed.minor === undefined || diagnostics.some((d) => d.severity === 'error'))
    return { butane: undefined, spec: undefined, diagnostics };
  const spec = chooseSpec(parsed.minor, wrapper === undefined ? (options.variant ?? 'fcos') : 'openshift', options);
  if (typeof spec === 'string') return failed('config-kind', spec);
  let config: Fields;
  try {
    config =
      spec.ignition < parsed.minor
        ? downgradeConfig(parsed.config, parsed.minor, spec.ignition)
        : upgradeConfig(parsed.config, parsed.minor, spec.ignition);
  } catch (error) {
    return failed('decompile-lost', (error as Error).message);
  }
  const write = (style: Style): { butane: string; again: ReturnType<typeof translate> } => {
    const map = new Map<string, TidyValue>([
      ['variant', spec.variant],
      ['version', spec.version],
    ]);
    if (wrapper !== undefined) addWrapper(wrapper, map);
    for (const [key, value] of invert(config, sourceSchema(spec), style)) map.set(key, value);
    const butane = writeTidyYaml(map);
    return { butane, again: translate(butane) };
  };
  const style: Style = { notes: spec.base >= 2, encoded: hasEncoded(config), inline: true, configs: true };
  let { butane, again } = write(style);
  // Configs inside this one are only checked when they are inline: faulty ones stay as they were.
  if (again.ignition === undefined) ({ butane, again } = write({ ...style, configs: false }));
  const problems = again.diagnostics.filter((d) => d.severity === 'error');
  if (problems.length > 0) return { butane: undefined, spec, diagnostics: [...diagnostics, ...problems] };
  const got = wrapper === undefined ? again.config : child(child(again.config, 'spec'), 'config');
  const path = firstDifference(config, got ?? {});
  if (path !== undefined)
    return failed('decompile-differs', `${spec.variant} ${spec.version} has no way to say this exactly`, path);
  return { butane, spec, diagnostics };
}

/** How resources are written. */
interface Style {
  /** The translator notes how it encoded what was inline. */
  readonly notes: boolean;
  /** The config was made by an encoder that notes how: data URLs without such a note were written by hand as sources. */
  readonly encoded: boolean;
  readonly inline: boolean;
  /** Whether configs that are merged or replace this one may be inline. */
  readonly configs: boolean;
}

function hasEncoded(value: Value): boolean {
  if (Array.isArray(value)) return (value as readonly Value[]).some(hasEncoded);
  if (!isFields(value)) return false;
  if (value['compression'] !== undefined && text(value, 'source').startsWith('data:')) return true;
  return Object.values(value).some(hasEncoded);
}

function chooseSpec(minor: number, variant: Variant, options: DecompileOptions): Spec | string {
  if (options.version !== undefined)
    return findSpec(variant, options.version) ?? `no version ${options.version} of variant ${variant}`;
  const specs = allSpecs().filter((spec) => spec.variant === variant && spec.ignition >= minor);
  const least = Math.min(...specs.map((spec) => spec.ignition));
  return (
    specs.findLast((spec) => spec.ignition === least) ??
    `no version of variant ${variant} makes Ignition configs of ${specVersions[minor]}`
  );
}

/** Keys that lead in an item, whatever the order of declaration. */
const leading = ['name', 'path', 'device', 'label', 'number', 'enabled', 'mask', 'mode', 'user', 'group'];

function invert(value: Fields, def: StructDef, style: Style): TidyMap {
  const out = new Map<string, TidyValue>();
  if (def.byName.has('source') && def.byName.has('inline') && maybeText(value, 'source') !== undefined)
    return invertResource(value, def, style);
  const fields = [
    ...leading.flatMap((name) => def.byName.get(name) ?? []),
    ...def.fields.filter((field) => !leading.includes(field.name)),
  ];
  for (const field of fields) {
    const found = value[camelCase(field.name)];
    const inner = field.name === 'merge' || field.name === 'replace' ? { ...style, inline: style.configs } : style;
    if (field.sugar || found === undefined) continue;
    if (field.list) {
      const items = found as readonly Value[];
      if (items.length === 0) continue;
      out.set(
        field.name,
        items.map((item) =>
          field.type === undefined ? (item as TidyValue) : invert(item as Fields, field.type, inner),
        ),
      );
    } else if (field.type !== undefined) {
      const below = invert(found as Fields, field.type, inner);
      if (below.size > 0 || field.pointer) out.set(field.name, below);
    } else if (field.pointer || (found !== '' && found !== 0 && found !== false))
      out.set(field.name, field.name === 'mode' ? octal(found) : (found as TidyValue));
  }
  return out;
}

function octal(mode: Value): TidyValue {
  const number = asInt(BigInt(mode as number | bigint));
  return typeof number === 'number' && number >= 0 ? { octal: number } : number;
}

/** Contents: inline when they are text and come out of the translation as the same source. */
function invertResource(value: Fields, def: StructDef, style: Style): TidyMap {
  const source = text(value, 'source');
  const compression = maybeText(value, 'compression') ?? '';
  const rest = new Map<string, TidyValue>();
  for (const field of def.fields) {
    const found = value[camelCase(field.name)];
    if (found === undefined || field.name === 'source' || field.name === 'compression') continue;
    if (field.type !== undefined && !field.list) {
      const inner = invert(found as Fields, field.type, style);
      if (inner.size > 0) rest.set(field.name, inner);
    } else if (field.list)
      rest.set(
        field.name,
        (found as readonly Fields[]).map((item) => invert(item, field.type!, style)),
      );
  }
  const noted = value['compression'] !== undefined;
  const handwritten = style.notes ? style.encoded && !noted : noted;
  const inline = style.inline && !handwritten ? inlineText(source, compression) : undefined;
  if (inline !== undefined) return new Map<string, TidyValue>([['inline', inline], ...rest]);
  return new Map<string, TidyValue>([
    ['source', source],
    ...(value['compression'] === undefined ? [] : ([['compression', compression]] as const)),
    ...rest,
  ]);
}

/** The text of a data URL, unpacked; a hash is about the unpacked contents, so it stays right. */
function inlineText(source: string, compression: string): string | undefined {
  if (!source.startsWith('data:') || (compression !== '' && compression !== 'gzip')) return undefined;
  const bytes = decodeDataUrl(source);
  if (typeof bytes === 'string') return undefined;
  if (compression === '') return readableText(bytes);
  const plain = gunzip(bytes);
  return plain === undefined ? undefined : readableText(plain);
}

function readableText(bytes: Uint8Array): string | undefined {
  try {
    const found = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]/.test(found) || byteLength(found) !== bytes.length
      ? undefined
      : found;
  } catch {
    return undefined;
  }
}

function addWrapper(wrapper: Fields, map: Map<string, TidyValue>): void {
  const metadata = child(wrapper, 'metadata');
  const labels = Object.entries(child(metadata, 'labels') ?? {}).filter(([, value]) => typeof value === 'string');
  map.set(
    'metadata',
    new Map<string, TidyValue>([
      ['name', text(metadata, 'name')],
      ['labels', new Map(labels as [string, string][])],
    ]),
  );
  const spec = child(wrapper, 'spec');
  const own = new Map<string, TidyValue>();
  const kernelType = maybeText(spec, 'kernelType');
  if (kernelType !== undefined) own.set('kernel_type', kernelType);
  if (typeof spec?.['fips'] === 'boolean') own.set('fips', spec['fips']);
  if (texts(spec, 'kernelArguments').length > 0) own.set('kernel_arguments', texts(spec, 'kernelArguments'));
  if (texts(spec, 'extensions').length > 0) own.set('extensions', texts(spec, 'extensions'));
  if (own.size > 0) map.set('openshift', own);
}
