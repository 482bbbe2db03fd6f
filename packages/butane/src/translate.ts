import {
  configSchema,
  type Entry,
  type Fields,
  marshalConfig,
  Report,
  reportDuplicates,
  reportUnusedKeys,
  type StructDef,
  validateConfig,
} from '@coppice/ignition';
import { findDocumentSpec, unmarshalErrors } from './dispatch.ts';
import { reportForbidden } from './filters.ts';
import { type FileResolver, functionFiles, noFiles } from './local-files.ts';
import {
  addFipsCipher,
  checkOperatorSupport,
  grubAppendToContents,
  machineConfigPrefix,
  reportElided,
  wrapMachineConfig,
} from './machine-config.ts';
import { machineConfigYaml } from './machine-config-yaml.ts';
import { checkSource } from './source-rules.ts';
import type { TranslationState } from './state.ts';
import { runSteps } from './steps.ts';
import { rawBytes } from './text-bytes.ts';
import { Translations, translatePaths } from './translations.ts';
import { outputSchema, type Spec, sourceSchema } from './versions-table.ts';
import { decodeYaml } from './yaml/decode.ts';
import { YamlFault } from './yaml/fault.ts';
import type { YamlNode } from './yaml/node.ts';
import { parseYaml } from './yaml/parser.ts';

export interface TranslateOptions {
  /** Where local files come from; without it their use is an error. */
  readonly files?: FileResolver;
  /** The same for single files, in place of `files`: contents by path as written, undefined when there is none. */
  readonly resolveFile?: (path: string) => Uint8Array | string | undefined;
  /** Indented JSON. */
  readonly pretty?: boolean;
  /** Ignition instead of a MachineConfig from openshift configs. */
  readonly raw?: boolean;
  /** Also return the list of translated paths. */
  readonly debug?: boolean;
  /** Rules beyond the original's, run on the generated Ignition config when it is valid; paths are those of the output. */
  readonly rules?: (config: Fields, report: Report) => void;
}

export interface Translation {
  /** The generated text without a final newline; undefined when there is an error. */
  readonly output: string | undefined;
  /** The generated config as a value, with the output. */
  readonly config: Fields | undefined;
  readonly spec: Spec | undefined;
  /** Findings in the original's order. */
  readonly entries: readonly Entry[];
  /** Why there is no output, in one line (several for YAML type errors). */
  readonly failure: string | undefined;
  /** With `debug`: the translated paths. */
  readonly debugText: string | undefined;
}

const failedSource = 'source config is invalid';
const failedOutput = 'config generated was invalid';

/** Translates a Butane config to Ignition (or a MachineConfig) and reports what is wrong with it. Never throws for bad input. */
export function translateBytes(source: Uint8Array | string, options: TranslateOptions = {}): Translation {
  const failed = (failure: string, spec?: Spec, entries: readonly Entry[] = []): Translation => ({
    output: undefined,
    config: undefined,
    spec,
    entries,
    failure,
    debugText: undefined,
  });
  let root: YamlNode | undefined;
  try {
    root = parseYaml(typeof source === 'string' ? rawBytes(source) : source);
  } catch (fault) {
    if (fault instanceof YamlFault) return failed(`Error unmarshaling yaml: yaml: ${fault.message}`);
    throw fault;
  }
  const spec = findDocumentSpec(root);
  if (typeof spec === 'string') return failed(spec);
  const schema = sourceSchema(spec);
  let decoded: ReturnType<typeof decodeYaml>;
  try {
    decoded = decodeYaml(root!, schema);
  } catch (fault) {
    if (fault instanceof YamlFault) return failed(`yaml: ${fault.message}`, spec);
    throw fault;
  }
  if (decoded.errors.length > 0) return failed(unmarshalErrors(decoded.errors), spec);

  const unused = new Report('source');
  reportUnusedKeys(decoded.value, schema, root!, unused);
  if (spec.openshift !== undefined) decoded.value['metadata'] ??= {};

  let run = translateValue(decoded.value, schema, spec, options, options.debug === true);
  // Paths are only translated back when there is something to say about them.
  if (!run.tracked && run.needsTracking) run = translateValue(decoded.value, schema, spec, options, true);
  const report = new Report('source');
  report.merge(unused);
  report.merge(run.report);
  report.correlate(root);
  const result = {
    spec,
    entries: report.entries,
    debugText: run.debugText,
  };
  // What follows takes memory of its own; the text's nodes are done with.
  root = undefined;
  decoded = { value: {}, errors: [] };
  if (run.failure !== undefined) return { ...result, output: undefined, config: undefined, failure: run.failure };
  const json = marshalConfig(
    run.output!,
    run.outputSchema,
    options.pretty === true && spec.openshift === undefined ? true : options.pretty === true && options.raw === true,
  );
  const output = spec.openshift !== undefined && options.raw !== true ? machineConfigYaml(json) : json;
  return { ...result, output, config: run.output, failure: undefined };
}

interface Run {
  readonly report: Report;
  readonly failure: string | undefined;
  readonly output: Fields | undefined;
  readonly outputSchema: StructDef;
  readonly debugText: string | undefined;
  readonly tracked: boolean;
  readonly needsTracking: boolean;
}

function translateValue(
  source: Fields,
  schema: StructDef,
  spec: Spec,
  options: TranslateOptions,
  tracked: boolean,
): Run {
  const report = new Report('source');
  const out = outputSchema(spec, options.raw === true);
  let needsTracking = false;
  const end = (failure: string | undefined, output?: Fields, debugText?: string): Run => ({
    report,
    failure,
    output,
    outputSchema: out,
    debugText,
    tracked,
    needsTracking,
  });
  checkSource(source, schema, spec, report);
  if (report.fatal) return end(failedSource);

  const state: TranslationState = {
    spec,
    source,
    schema: configSchema(spec.ignition),
    files: options.files ?? (options.resolveFile === undefined ? noFiles : functionFiles(options.resolveFile)),
    mayCompress: spec.base >= 2 && !(spec.openshift !== undefined && spec.openshift < 10),
    config: {},
    translations: new Translations(tracked),
    report: new Report('source'),
    outputReport: new Report('output'),
  };
  const complete = runSteps(state);
  let output = state.config;
  let prefix: readonly (string | number)[] = [];
  if (complete && spec.openshift !== undefined) {
    if (spec.openshift >= 23) grubAppendToContents(state);
    const parts = wrapMachineConfig(state);
    if (spec.openshift < 20) addFipsCipher(state, parts.spec);
    checkOperatorSupport(state);
    if (options.raw === true) {
      reportElided(parts, state);
      translatePaths(state.outputReport, state.translations);
      state.translations = state.translations.descend(machineConfigPrefix);
      output = state.config;
    } else {
      prefix = machineConfigPrefix;
      output = {
        apiVersion: 'machineconfiguration.openshift.io/v1',
        kind: 'MachineConfig',
        metadata: parts.metadata,
        spec: { config: state.config, ...parts.spec },
      };
    }
  }
  const addOutput = (found: Report): void => {
    if (found.entries.length > 0) needsTracking = true;
    translatePaths(found, state.translations);
    report.merge(found);
  };
  report.merge(state.report);
  addOutput(state.outputReport);
  if (report.fatal) return end(failedSource);
  const debugText = options.debug === true ? state.translations.text() : undefined;

  const forbidden = new Report('output');
  reportForbidden(state.config, state.schema, spec, forbidden, prefix);
  addOutput(forbidden);
  if (report.fatal) return end(failedSource, undefined, debugText);

  const duplicates = new Report('output');
  reportDuplicates(state.config, state.schema, duplicates, prefix);
  addOutput(duplicates);
  const rules = new Report('output');
  validateConfig(state.config, spec.ignition, rules, '2.26', prefix);
  addOutput(rules);
  if (report.fatal) return end(failedOutput, undefined, debugText);
  if (options.rules !== undefined) {
    const more = new Report('output');
    options.rules(state.config, more);
    for (const entry of more.entries) entry.path = [...prefix, ...entry.path];
    addOutput(more);
  }
  return end(undefined, output, debugText);
}
