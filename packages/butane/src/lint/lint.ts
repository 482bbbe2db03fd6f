import { child, type Fields, parseConfig, Report } from '@coppice/ignition';
import { type Diagnostic, translate } from '../diagnostics.ts';
import { hints } from '../hints-table.ts';
import type { FileResolver } from '../local-files.ts';
import { readMachineConfig } from '../machine-config-reader.ts';
import { checkLogins, checkPaths, checkSources } from './paths.ts';
import { userDataLimits } from './providers-table.ts';
import { found, type LintCode, lintRules } from './rules-table.ts';
import { checkSecrets } from './secrets.ts';
import { checkQuadlets, checkUnits } from './units.ts';

export interface LintOptions {
  readonly files?: FileResolver;
  /** Only this provider's limit is checked; without it the least of all. */
  readonly provider?: string;
}

export interface Linted {
  readonly diagnostics: readonly Diagnostic[];
  /** The Ignition config as text, undefined when there are errors of translation. */
  readonly ignition: string | undefined;
}

function runRules(config: Fields, report: Report): void {
  checkSecrets(config, report);
  checkSources(config, report);
  checkPaths(config, report);
  checkLogins(config, report);
  checkUnits(config, report);
  checkQuadlets(config, report);
}

/** Everything that can be said about a Butane config, a MachineConfig or (when it starts with `{`) an Ignition config, without the network. */
export function lint(source: Uint8Array, options: LintOptions = {}): Linted {
  const wrapper = readMachineConfig(source);
  const linted =
    wrapper !== undefined
      ? lintMachineConfig(wrapper)
      : /^\s*\{/.test(new TextDecoder('latin1').decode(source.subarray(0, 64)))
        ? lintIgnition(source)
        : lintButane(source, options);
  const size = linted.ignition === undefined ? 0 : new TextEncoder().encode(linted.ignition).length;
  const report = new Report();
  for (const [provider, limit] of Object.entries(userDataLimits))
    if (size > limit && (options.provider === undefined || options.provider === provider))
      found(report, [], 'user-data-large', String(size), provider, String(limit));
  return { ...linted, diagnostics: inOrder([...linted.diagnostics, ...fromReport(report)]) };
}

const farthest = Number.MAX_SAFE_INTEGER;

/** In the order of the text; what has no place in it comes last. */
function inOrder(found: readonly Diagnostic[]): Diagnostic[] {
  return found.toSorted((a, b) => (a.line ?? farthest) - (b.line ?? farthest) || (a.column ?? 0) - (b.column ?? 0));
}

function lintButane(source: Uint8Array, options: LintOptions): Linted {
  const done = translate(source, { ...(options.files === undefined ? {} : { files: options.files }), rules: runRules });
  return {
    diagnostics: done.diagnostics.map((d) => (d.hint === undefined ? { ...d, hint: advice(d.code) } : d)),
    ignition: done.ignition,
  };
}

/** What is in a MachineConfig, without places: it is seldom what people write. */
function lintMachineConfig(wrapper: Fields): Linted {
  const inner = lintIgnition(new TextEncoder().encode(JSON.stringify(child(child(wrapper, 'spec'), 'config'))));
  return {
    diagnostics: inner.diagnostics.map((each) => ({
      ...each,
      path: ['spec', 'config', ...each.path],
      line: undefined,
      column: undefined,
    })),
    ignition: inner.ignition,
  };
}

function lintIgnition(source: Uint8Array): Linted {
  const parsed = parseConfig(source, '2.26', runRules);
  if (parsed.failure !== undefined) {
    const report = new Report();
    report.error([], parsed.failure);
    return { diagnostics: fromReport(report), ignition: undefined };
  }
  return { diagnostics: fromReport(parsed.report), ignition: new TextDecoder().decode(source) };
}

function fromReport(report: Report): Diagnostic[] {
  return report.entries.map((entry) => ({
    code: entry.code,
    severity: entry.severity,
    message: entry.message,
    path: entry.path,
    line: entry.position?.line,
    column: entry.position?.column,
    hint: hints[entry.code] ?? advice(entry.code),
  }));
}

function advice(code: string): string | undefined {
  return Object.hasOwn(lintRules, code) ? lintRules[code as LintCode].explain : undefined;
}
