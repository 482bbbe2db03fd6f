// Package names as people type them: the forms dnf tries, in its order (libdnf's subject and nevra parsers).
import { formatEvr } from './evr.ts';

/** One reading of a subject. A part the form lacks is `undefined`; parts may hold glob characters. */
export interface Nevra {
  readonly name: string;
  readonly epoch: string | undefined;
  readonly version: string | undefined;
  readonly release: string | undefined;
  readonly arch: string | undefined;
}

export const nevraForms = ['NEVRA', 'NA', 'NAME', 'NEVR', 'NEV'] as const;
export type NevraForm = (typeof nevraForms)[number];

const name = '([^:(/=<> ]+)';
const epoch = '(?:([0-9]+):)?';
const part = '([^-:(/=<> ]+)';
const arch = '([^-:.(/=<> ]+)';
const patterns: Readonly<Record<NevraForm, RegExp>> = {
  NEVRA: new RegExp(`^${name}-${epoch}${part}-${part}\\.${arch}$`),
  NEVR: new RegExp(`^${name}-${epoch}${part}-${part}$`),
  NEV: new RegExp(`^${name}-${epoch}${part}$`),
  NA: new RegExp(`^${name}\\.${arch}$`),
  NAME: new RegExp(`^${name}$`),
};
const longest = 4096;

/** Reads `text` as `form`, or `undefined` when it does not have that shape. Linear enough: texts over 4096 characters never match. */
export function parseNevraForm(text: string, form: NevraForm): Nevra | undefined {
  if (text.length > longest) return undefined;
  const m = patterns[form].exec(text);
  if (m === null) return undefined;
  switch (form) {
    case 'NEVRA':
      return { name: m[1]!, epoch: m[2], version: m[3]!, release: m[4]!, arch: m[5]! };
    case 'NEVR':
      return { name: m[1]!, epoch: m[2], version: m[3]!, release: m[4]!, arch: undefined };
    case 'NEV':
      return { name: m[1]!, epoch: m[2], version: m[3]!, release: undefined, arch: undefined };
    case 'NA':
      return { name: m[1]!, epoch: undefined, version: undefined, release: undefined, arch: m[2]! };
    default:
      return { name: m[1]!, epoch: undefined, version: undefined, release: undefined, arch: undefined };
  }
}

/** Every reading of `text` in dnf's order of preference. */
export function parseSubject(text: string): { form: NevraForm; nevra: Nevra }[] {
  const out: { form: NevraForm; nevra: Nevra }[] = [];
  for (const form of nevraForms) {
    const nevra = parseNevraForm(text, form);
    if (nevra !== undefined) out.push({ form, nevra });
  }
  return out;
}

/** `NAME-[EPOCH:]VERSION-RELEASE.ARCH` with a zero epoch left out, as far as the parts are there. */
export function formatNevra(nevra: Nevra): string {
  const evr =
    nevra.version === undefined
      ? ''
      : `-${formatEvr({ epoch: nevra.epoch, version: nevra.version, release: nevra.release })}`;
  return `${nevra.name}${evr}${nevra.arch === undefined ? '' : `.${nevra.arch}`}`;
}
