// Sets of types while the type of a text is not known yet: a type string in which `*` stands for any type, `N` for any
// number, `S` for any string and `M` for any number of leading `m`.

/** Takes one complete pattern at `at`; gives its end. */
function endOfOne(pattern: string, at: number): number {
  let end = at;
  while ('amM'.includes(pattern[end] ?? '?')) end++;
  let depth = 0;
  do {
    const c = pattern[end];
    if (c === '(' || c === '{') depth++;
    else if (c === ')' || c === '}') depth--;
    end++;
  } while (depth > 0 && end < pattern.length);
  return end;
}

/** The types in both sets, or undefined when there are none. */
export function coalesce(left: string, right: string): string | undefined {
  let out = '';
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    const a = left[l]!;
    const b = right[r]!;
    if (a === b) {
      out += a;
      l++;
      r++;
      continue;
    }
    const step = narrower(left, l, right, r) ?? swap(narrower(right, r, left, l));
    if (step === undefined) return undefined;
    out += step.out;
    l += step.one;
    r += step.other;
  }
  return l < left.length || r < right.length ? undefined : out;
}

interface Step {
  readonly out: string;
  readonly one: number;
  readonly other: number;
}

function swap(step: Step | undefined): Step | undefined {
  return step === undefined ? undefined : { out: step.out, one: step.other, other: step.one };
}

/** One step where `one` has a placeholder that the other side narrows down. */
function narrower(one: string, i: number, other: string, j: number): Step | undefined {
  const a = one[i]!;
  const b = other[j]!;
  if (a === '*' && b !== ')') {
    const end = endOfOne(other, j);
    return { out: other.slice(j, end), one: 1, other: end - j };
  }
  if (a === 'M' && b === 'm') return { out: 'm', one: 0, other: 1 };
  if (a === 'M' && b !== '*') return { out: '', one: 1, other: 0 };
  if (a === 'N' && 'ynqiuxthd'.includes(b)) return { out: b, one: 1, other: 1 };
  if (a === 'S' && 'sog'.includes(b)) return { out: b, one: 1, other: 1 };
  return undefined;
}

/** The type that a set stands for when nothing else decides: int32, string, no maybe. Undefined while any `*` is left. */
export function defaultType(pattern: string): string | undefined {
  if (pattern.includes('*')) return undefined;
  return pattern.replaceAll('M', '').replaceAll('N', 'i').replaceAll('S', 's');
}
