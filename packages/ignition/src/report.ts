import { type IgnitionCode, messages } from './messages-table.ts';
import { deepest, type Position, type PositionNode } from './position.ts';

export type Path = readonly (string | number)[];
export type Severity = 'error' | 'warning' | 'info';

/** One finding. `space` tells whether the path is of the written config or of the generated one. */
export interface Entry {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  path: Path;
  space: 'source' | 'output';
  /** The finding is about the key itself rather than its value. */
  readonly atKey?: boolean;
  position?: Position | undefined;
}

export function pathText(path: Path): string {
  return path.length === 0 ? '$' : `$.${path.join('.')}`;
}

/** A template of a message table with its arguments put in. */
export function fill(template: string, args: readonly string[]): string {
  return args.length === 0 ? template : template.replace(/\{(\d)\}/g, (_, n: string) => args[Number(n)] ?? '');
}

/** Findings that a report keeps. */
const maxEntries = 10_000;

/** Findings in the order in which they were made. */
export class Report {
  readonly entries: Entry[] = [];
  space: 'source' | 'output';
  #last: { severity: Severity } | undefined;

  constructor(space: 'source' | 'output' = 'output') {
    this.space = space;
  }

  add(severity: Severity, path: Path, code: string, message: string, atKey = false): void {
    if (this.entries.length < maxEntries)
      this.entries.push({ severity, code, message, path, space: this.space, ...(atKey ? { atKey } : {}) });
    else this.#leaveOut(severity);
  }
  /** One more finding than are kept: the last entry says so, as severe as the worst of those it stands for. */
  #leaveOut(severity: Severity): void {
    if (this.#last === undefined) {
      const last: Entry & { severity: Severity } = {
        severity,
        code: 'too-many-findings',
        message: messages['too-many-findings'],
        path: [],
        space: this.space,
      };
      this.entries.push(last);
      this.#last = last;
    } else if (severity === 'error') this.#last.severity = severity;
  }
  error(path: Path, code: IgnitionCode, ...args: string[]): void {
    this.add('error', path, code, fill(messages[code], args));
  }
  warn(path: Path, code: IgnitionCode, ...args: string[]): void {
    this.add('warning', path, code, fill(messages[code], args));
  }
  /** As `error`, when there is something to report. */
  errorIf(path: Path, finding: Finding | undefined): void {
    if (finding !== undefined) this.error(path, finding.code, ...finding.args);
  }
  merge(other: Report): void {
    for (const entry of other.entries)
      if (this.entries.length < maxEntries) this.entries.push(entry);
      else this.#leaveOut(entry.severity);
  }
  /** No finding is kept any more. */
  get full(): boolean {
    return this.entries.length > maxEntries;
  }
  get fatal(): boolean {
    return this.entries.some((entry) => entry.severity === 'error');
  }
  /** Gives every entry the position of the deepest node on its path. */
  correlate(root: PositionNode | undefined): void {
    for (const entry of this.entries) {
      entry.position = root === undefined ? undefined : deepest(root, entry.path, entry.atKey === true);
    }
  }
}

export interface Finding {
  readonly code: IgnitionCode;
  readonly args: readonly string[];
}
export function finding(code: IgnitionCode, ...args: string[]): Finding {
  return { code, args };
}

/** An entry in the one-line form `kind at $.path, line L col C: message`. */
export function entryLine(entry: Entry): string {
  const at: string[] = [];
  if (entry.path.length > 0) at.push(pathText(entry.path));
  if (entry.position !== undefined) at.push(`line ${entry.position.line} col ${entry.position.column}`);
  return `${entry.severity}${at.length === 0 ? '' : ` at ${at.join(', ')}`}: ${entry.message}`;
}
