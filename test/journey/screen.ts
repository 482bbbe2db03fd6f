/** What a terminal shows in the end of what a program wrote: carriage returns overwrite, erase-to-end erases, colours go. */
export function screenLines(raw: string): string[] {
  const lines: string[] = [];
  let line: string[] = [];
  let column = 0;
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i]!;
    if (c === '\n') {
      lines.push(line.join(''));
      line = [];
      column = 0;
    } else if (c === '\r') column = 0;
    else if (c === '\b') column = Math.max(0, column - 1);
    else if (c === '\x1b') {
      const match = /^\x1b\[([0-9;?]*)([A-Za-z])/.exec(raw.slice(i)) ?? /^\x1b([78=>])()/.exec(raw.slice(i));
      if (match === null) continue;
      i += match[0].length - 1;
      if (match[2] === 'K') {
        if (match[1] === '2') line = [];
        else line.length = Math.min(line.length, column);
      } else if (match[2] === 'G') column = Math.max(0, Number(match[1] || 1) - 1);
    } else {
      while (line.length < column) line.push(' ');
      line[column++] = c;
    }
  }
  if (line.length > 0) lines.push(line.join(''));
  return lines.map((text) => text.trimEnd());
}
