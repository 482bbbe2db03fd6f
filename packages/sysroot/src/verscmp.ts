// `strverscmp` of glibc (string/strverscmp.c): digit runs compare as integers, runs with a leading zero as fractions,
// everything else by byte. A state remembers what kind of run the first difference lies in.

type State = 'text' | 'integer' | 'fraction' | 'zeros';
type Kind = 0 | 1 | 2; // other, digit 1-9, zero

const next: Readonly<Record<State, readonly [State, State, State]>> = {
  text: ['text', 'integer', 'zeros'],
  integer: ['text', 'integer', 'integer'],
  fraction: ['text', 'fraction', 'fraction'],
  zeros: ['text', 'fraction', 'zeros'],
};

function kindOf(code: number): Kind {
  if (code === 0x30) return 2;
  return code > 0x30 && code <= 0x39 ? 1 : 0;
}

/** Negative, zero or positive as `a` sorts before, with or after `b`. */
export function strverscmp(a: string, b: string): number {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  const at = (bytes: Buffer, i: number): number => bytes[i] ?? 0;
  let state: State = 'text';
  let i = 0;
  for (; at(left, i) === at(right, i); i++) {
    if (at(left, i) === 0) return 0;
    state = next[state][kindOf(at(left, i))];
  }
  const [x, y] = [at(left, i), at(right, i)];
  const [kx, ky] = [kindOf(x), kindOf(y)];
  const digits = kx !== 0 && ky !== 0;
  const byLength = (): number => {
    for (let j = i + 1; ; j++) {
      const [dx, dy] = [kindOf(at(left, j)) !== 0, kindOf(at(right, j)) !== 0];
      if (!dx || !dy) return dx ? 1 : dy ? -1 : x - y;
    }
  };
  if (state === 'integer') {
    if (digits) return byLength();
    if (kx !== 0) return 1;
    if (ky !== 0) return -1;
  }
  if (state === 'text' && kx === 1 && ky === 1) return byLength();
  if (state === 'zeros' && !digits) {
    if (kx !== 0) return -1;
    if (ky !== 0) return 1;
  }
  return x - y;
}
