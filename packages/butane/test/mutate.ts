// Seeded mutations of config texts: bytes, lines, indentation, and words that mean something to the translator.

/** A small generator of numbers in [0, 1): mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const words = [
  '- ',
  ': ',
  '? ',
  '| ',
  '|-\n',
  '>\n',
  '&a ',
  '*a',
  '<<: *a',
  '!!binary ',
  '!!int ',
  '%YAML 1.2\n',
  '---\n',
  '...\n',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '\t',
  '\u0000',
  '\ufeff',
  '\u2028',
  '\\x',
  '~',
  'null',
  'yes',
  '0644',
  '0o17',
  '-1',
  '1e400',
  '9223372036854775808',
  '.nan',
  '2001-01-01',
  'variant: openshift\n',
  'version: 1.8.0-experimental\n',
  'inline: x',
  'local: ../x',
  'trees:\n',
  '../../etc',
  'mode: 99999',
  'data:;base64,AA==',
  'data:,%zz',
  'http://[::1',
  'boot_device: {mirror: {devices: [a, b]}}\n',
  'contents:',
  'systemd: {units: [{name: a}]}\n',
];

/** A mutated copy; a few changes at once. */
export function mutate(source: Uint8Array, random: () => number, other: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(source);
  const pick = (n: number): number => Math.floor(random() * n);
  const splice = (at: number, remove: number, insert: Uint8Array): void => {
    const out = new Uint8Array(bytes.length - remove + insert.length);
    out.set(bytes.subarray(0, at));
    out.set(insert, at);
    out.set(bytes.subarray(at + remove), at + insert.length);
    bytes = out;
  };
  for (let rounds = random() < 0.6 ? 1 : 1 + pick(4); rounds > 0; rounds--) {
    const at = pick(bytes.length + 1);
    switch (pick(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = pick(256);
        break;
      case 1:
        splice(at, Math.min(pick(20), bytes.length - at), new Uint8Array(0));
        break;
      case 2:
        splice(at, 0, new TextEncoder().encode(words[pick(words.length)]!));
        break;
      case 3: {
        const from = pick(bytes.length + 1);
        splice(at, 0, bytes.slice(from, from + pick(200)));
        break;
      }
      case 4: {
        const from = pick(other.length + 1);
        splice(at, 0, other.slice(from, from + pick(200)));
        break;
      }
      case 5:
        splice(at, 0, new TextEncoder().encode(words[pick(words.length)]!.repeat(1 + pick(300))));
        break;
      default: {
        const line = bytes.indexOf(10, at);
        if (line >= 0) splice(line + 1, 0, new TextEncoder().encode(' '.repeat(1 + pick(6))));
      }
    }
  }
  return bytes;
}
