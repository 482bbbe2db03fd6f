import type { Fields, Severity } from '@coppice/ignition';
import { hints } from './hints-table.ts';
import { type TranslateOptions, translateBytes } from './translate.ts';
import type { Spec } from './versions-table.ts';

/** One finding as a value. */
export interface Diagnostic {
  /** Stable name of the rule, explained by `coppice explain CODE`. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Where in the config, e.g. `['storage', 'files', 0, 'path']`. */
  readonly path: readonly (string | number)[];
  /** From 1; undefined when the finding has no place in the text. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** What to do about it, when there is something general to say. */
  readonly hint: string | undefined;
}

export interface Result {
  /** The Ignition config (or MachineConfig) as text, undefined when there are errors. */
  readonly ignition: string | undefined;
  /** The same as a value. */
  readonly config: Fields | undefined;
  readonly spec: Spec | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Translates a Butane config. Bad input gives diagnostics, never an exception. */
export function translate(source: string | Uint8Array, options: TranslateOptions = {}): Result {
  const done = translateBytes(source, options);
  const diagnostics: Diagnostic[] = done.entries.map((entry) => ({
    code: entry.code,
    severity: entry.severity,
    message: entry.message,
    path: entry.path,
    line: entry.position?.line,
    column: entry.position?.column,
    hint: hints[entry.code],
  }));
  if (done.failure !== undefined && !diagnostics.some((d) => d.severity === 'error'))
    diagnostics.push(...failureDiagnostics(done.failure));
  return { ignition: done.output, config: done.config, spec: done.spec, diagnostics };
}

/** Failures before any report: unreadable YAML, wrong types, unknown variants. */
function failureDiagnostics(failure: string): Diagnostic[] {
  const body = failure.replace(/^Error unmarshaling yaml: /, '');
  const typed = body.startsWith('yaml: unmarshal errors:\n');
  const code = typed ? 'yaml-type' : body.startsWith('yaml: ') ? 'yaml-syntax' : 'config-kind';
  const lines = typed ? body.split('\n').slice(1) : [body.replace(/^yaml: /, '')];
  return lines.map((text) => {
    const match = /^\s*line (\d+): ([\s\S]*)$/.exec(text);
    return {
      code,
      severity: 'error',
      message: match?.[2] ?? text.trim(),
      path: [],
      line: match === null ? undefined : Number(match[1]),
      column: match === null ? undefined : 1,
      hint: hints[code],
    };
  });
}
