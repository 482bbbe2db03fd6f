// Objects to be linked from another repository, for another thread: three u32 (lengths of the two `objects/` directories and
// of what follows a checksum in a name), the three texts, then a checksum (32 bytes) for each object.

/** What is the same for all links of a batch. */
export interface LinkForm {
  /** Directories that hold `ab/cdef….suffix`; those below `to` that are needed are there. */
  readonly from: string;
  readonly to: string;
  /** With the dot. */
  readonly suffix: string;
}

export function sameLinks(a: LinkForm, b: LinkForm): boolean {
  return a.from === b.from && a.to === b.to && a.suffix === b.suffix;
}

/** Puts the form at the beginning of `out`; gives the offset behind it. */
export function putLinkForm(out: Buffer, { from, to, suffix }: LinkForm): number {
  let at = 12;
  for (const [i, text] of [from, to, suffix].entries()) {
    const length = out.write(text, at, 'utf8');
    out.writeUInt32LE(length, i * 4);
    at += length;
  }
  return at;
}

export function putLink(out: Buffer, at: number, checksum: string): number {
  return at + out.write(checksum, at, 'hex');
}

/** Calls `link` with both paths of every object. */
export function eachLink(bytes: Buffer, link: (from: string, to: string) => void): void {
  const texts: string[] = [];
  let at = 12;
  for (let i = 0; i < 3; i++) {
    const length = bytes.readUInt32LE(i * 4);
    texts.push(bytes.toString('utf8', at, at + length));
    at += length;
  }
  const [from, to, suffix] = texts;
  for (; at < bytes.length; at += 32) {
    const name = `/${bytes.toString('hex', at, at + 1)}/${bytes.toString('hex', at + 1, at + 32)}${suffix}`;
    link(`${from}${name}`, `${to}${name}`);
  }
}
