/** Text in `status` form: two spaces, the key right-aligned, a colon, the value; further lines under the value. */
export class KeyValueText {
  readonly #width: number;
  readonly #wrap: number;
  readonly #color: boolean;
  readonly glyphs: { readonly circle: string; readonly branch: string; readonly last: string };
  text = '';

  /** `columns`: lists wrap at max(64, columns - 27). */
  constructor(width: number, columns: number, style: { readonly color: boolean; readonly utf8: boolean }) {
    this.#width = width;
    this.#wrap = Math.max(64, columns - 27);
    this.#color = style.color;
    this.glyphs = style.utf8 ? { circle: '●', branch: '├─', last: '└─' } : { circle: '*', branch: '|-', last: '`-' };
  }

  raw(text: string): void {
    this.text += text;
  }

  bold(text: string): string {
    return this.#color ? `\x1b[1m${text}\x1b[0m` : text;
  }

  kv(key: string, value: string): void {
    this.text += `${' '.repeat(Math.max(0, this.#width - key.length) + 2)}${key}: ${value}\n`;
  }

  /** A key that wants attention: bold red on a terminal. */
  alarm(key: string, value: string): void {
    if (this.#color) this.text += '\x1b[31m\x1b[1m';
    this.kv(key, value);
    if (this.#color) this.text += '\x1b[0m\x1b[22m';
  }

  #continuation(value: string): void {
    this.text += `${' '.repeat(this.#width + 2)}  ${value}\n`;
  }

  /** One key with several lines; nothing when there are none. */
  lines(key: string, lines: readonly string[]): void {
    lines.forEach((line, i) => {
      if (i === 0 && key !== '') this.kv(key, line);
      else this.#continuation(line);
    });
  }

  /** Words in one value, wrapped. */
  list(key: string, words: readonly string[]): void {
    const rows: string[] = [];
    let row = '';
    for (const word of words) {
      if (row !== '' && row.length + 1 + word.length > this.#wrap) {
        rows.push(row);
        row = '';
      }
      row += row === '' ? word : ` ${word}`;
    }
    if (row !== '') rows.push(row);
    this.lines(key, rows);
  }

  /** A line of the small tree under the previous value. */
  branch(last: boolean, value: string): void {
    this.text += `  ${' '.repeat(this.#width + 2)}${last ? this.glyphs.last : this.glyphs.branch} ${value}\n`;
  }
}
