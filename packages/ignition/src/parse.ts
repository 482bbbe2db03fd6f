import { reportDuplicates } from './duplicates.ts';
import { decodeConfig, decodeVersion, jsonPositions, LineIndex } from './json-decode.ts';
import { JsonFault, readJson } from './json-text.ts';
import { type IgnitionCode, messages } from './messages-table.ts';
import { Report } from './report.ts';
import { parseSemver, semverText } from './semver.ts';
import { configSchema, specVersions } from './types-table.ts';
import { reportUnusedKeys } from './unused-keys.ts';
import type { Edition } from './validate/rules.ts';
import { validateConfig } from './validate/validate.ts';
import type { Fields } from './value.ts';

export interface Parsed {
  /** The config as written; undefined when it could not be read. */
  readonly config: Fields | undefined;
  /** Minor version of the config. */
  readonly minor: number | undefined;
  readonly report: Report;
  /** Set when the text is no config of a known version; there is no report then. */
  readonly failure: IgnitionCode | undefined;
}

/** A report with one JSON fault at its place in the text. */
export function jsonFaultReport(fault: JsonFault, bytes: Uint8Array): Report {
  const report = new Report();
  report.error([], 'json-error', fault.message);
  report.entries[0]!.position = new LineIndex(bytes).at(fault.offset);
  return report;
}

/** Minor number of a spec version text such as `3.4.0`. */
export function minorOf(version: string): number | undefined {
  const minor = (specVersions as readonly string[]).indexOf(version);
  return minor < 0 ? undefined : minor;
}

/** Reads and checks a config of any supported spec version; `rules` are more checks, run on configs without errors. */
export function parseConfig(
  bytes: Uint8Array,
  edition: Edition = 'next',
  rules?: (config: Fields, report: Report) => void,
): Parsed {
  const failed = (failure: IgnitionCode): Parsed => ({
    config: undefined,
    minor: undefined,
    report: new Report(),
    failure,
  });
  if (bytes.length === 0) return failed('config-empty');
  const node = readJson(bytes);
  const faulty = (fault: JsonFault): Parsed => ({
    config: undefined,
    minor: undefined,
    report: jsonFaultReport(fault, bytes),
    failure: undefined,
  });
  if (node instanceof JsonFault) return faulty(node);
  const version = decodeVersion(node);
  if (version instanceof JsonFault) return faulty(version);
  const parsed = parseSemver(version);
  if (parsed === undefined) return failed('version-unparsable');
  const minor = minorOf(semverText(parsed));
  if (minor === undefined) return failed('version-unknown');
  const schema = configSchema(minor);
  const config = decodeConfig(node, schema);
  if (config instanceof JsonFault) return faulty(config);
  const report = new Report();
  checkParsed(config, minor, report, edition);
  if (!report.fatal) rules?.(config, report);
  const positions = jsonPositions(node, new LineIndex(bytes));
  reportUnusedKeys(config, schema, positions, report);
  report.correlate(positions);
  return { config, minor, report, failure: undefined };
}

/** All rules, then the duplicate check. */
export function checkParsed(config: Fields, minor: number, report: Report, edition: Edition): void {
  validateConfig(config, minor, report, edition);
  reportDuplicates(config, configSchema(minor), report);
}

export function failureText(code: IgnitionCode): string {
  return messages[code];
}
