import { CoppiceError } from '@coppice/base';
import { isSpace, LineReader } from './line-reader.ts';

// systemd unit files, read as strictly (and as leniently) as the library that Ignition uses.

export interface UnitOption {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** Longest line in bytes that systemd reads. */
export const unitLineMax = 2048;

function fault(message: string): CoppiceError {
  return new CoppiceError('Invalid', message);
}

const encoder = new TextEncoder();

/**
 * Options of a unit file in order, lines joined at trailing backslashes. Throws `Invalid` with the texts of
 * go-systemd's deserializer: unfinished section, garbage behind a section name, option without `=`, line too long.
 */
export function parseUnit(text: string): UnitOption[] {
  const reader = new LineReader(encoder.encode(text));
  const options: UnitOption[] = [];
  let section: string | undefined;
  for (;;) {
    checkLine(reader);
    const c = reader.rune();
    if (c === undefined) return options;
    if (c === '[') {
      checkLine(reader);
      const name = reader.through(0x5d);
      if (name === undefined) throw fault('unable to find end of section');
      checkLine(reader);
      const garbage = reader.line().trim();
      if (garbage !== '') throw fault(`found garbage after section name : ${JSON.stringify(garbage)}`);
      section = name;
    } else if (c === '#' || c === ';') {
      checkLine(reader);
      while (reader.line().replace(/ $/, '').endsWith('\\'));
    } else if (section !== undefined && !isSpace(c)) {
      reader.unread(c);
      options.push(readOption(reader, section));
    }
  }
}

/** The library looks for a line end in the next 2048 bytes before each step, as far as they are in its buffer. */
function checkLine(reader: LineReader): void {
  const ahead = reader.buffered(unitLineMax);
  if (ahead !== undefined && !ahead.includes(0x0a) && !ahead.includes(0x0d))
    throw fault(`line too long (max ${unitLineMax} bytes)`);
}

function readOption(reader: LineReader, section: string): UnitOption {
  checkLine(reader);
  let name = '';
  for (;;) {
    const c = reader.rune();
    if (c === undefined) throw fault('EOF');
    if (c === '\n' || c === '\r') throw fault('unexpected newline encountered while parsing option name');
    if (c === '=') break;
    name += c;
  }
  let value = '';
  for (;;) {
    checkLine(reader);
    const line = reader.line();
    if (line.trim() === '') break;
    value += line;
    if (!line.endsWith('\\')) break;
    if (!reader.atEnd) value += '\n';
  }
  return { section, name: name.trim(), value: value.trim() };
}

/** Whether any option stands in `section`. */
export function hasSection(options: readonly UnitOption[], section: string): boolean {
  return options.some((option) => option.section === section);
}
