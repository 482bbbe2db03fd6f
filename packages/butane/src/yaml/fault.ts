/** A YAML text that cannot be read; the message is go-yaml's without its `yaml: ` prefix. */
export class YamlFault {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Line (from 0), column (from 0, in characters) and index (in characters) of a place in a text. */
export interface Mark {
  readonly line: number;
  readonly column: number;
  readonly index: number;
}

/** A scanner's fault: go-yaml names the line of the construct, or of the fault when the construct starts on the first line. */
export function scannerFault(context: Mark, at: Mark, problem: string): YamlFault {
  const line = context.line !== 0 ? context.line + 1 : at.line !== 0 ? at.line + 1 : 0;
  return new YamlFault(line === 0 ? problem : `line ${line}: ${problem}`);
}

/** A parser's fault: as the scanner's, but go-yaml forgets that its lines count from 0. */
export function parserFault(context: Mark | undefined, at: Mark, problem: string): YamlFault {
  const line = context !== undefined && context.line !== 0 ? context.line : at.line;
  return new YamlFault(line === 0 ? problem : `line ${line}: ${problem}`);
}
