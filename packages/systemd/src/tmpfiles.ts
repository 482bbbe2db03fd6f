// tmpfiles.d(5): lines that tell which directories, files and links a system wants to have.

export interface TmpfilesLine {
  /** Letter, without modifiers. */
  readonly type: string;
  /** `+` replaces what is there, `-` and `!` and others are kept here. */
  readonly modifiers: string;
  readonly path: string;
  readonly mode: number | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly argument: string | undefined;
}

/** Splits a line into words: blanks separate, quotes and backslashes keep. */
function words(line: string): string[] {
  const out: string[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g;
  for (const match of line.matchAll(pattern)) {
    out.push(
      (match[1] ?? match[2] ?? match[3]!).replace(/\\x([0-9a-f]{2})|\\(.)/gi, (_, hex?: string, c?: string) =>
        hex === undefined ? (c === 'n' ? '\n' : c === 't' ? '\t' : c!) : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    );
  }
  return out;
}

/** Lines of a tmpfiles.d file; comments and malformed lines are left out, as systemd-tmpfiles goes on after warning. */
export function parseTmpfiles(text: string): TmpfilesLine[] {
  const lines: TmpfilesLine[] = [];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [type, path, mode, user, group, , ...rest] = words(line);
    if (type === undefined || path === undefined || !path.startsWith('/')) continue;
    const unset = (word: string | undefined): string | undefined =>
      word === undefined || word === '-' ? undefined : word;
    const modeText = unset(mode)?.replace(/^[~:]+/, '');
    // The argument is the rest of the line as it stands, without the age column.
    const argument = rest.length === 0 ? undefined : rest.join(' ');
    lines.push({
      type: type[0]!,
      modifiers: type.slice(1),
      path: path.replaceAll('%%', '%'),
      mode: modeText !== undefined && /^[0-7]{1,5}$/.test(modeText) ? Number.parseInt(modeText, 8) : undefined,
      user: unset(user)?.replace(/^:/, ''),
      group: unset(group)?.replace(/^:/, ''),
      argument: unset(argument),
    });
  }
  return lines;
}
