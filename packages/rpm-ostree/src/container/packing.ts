// Which components share a layer. The largest have one each, the small ones share one, what is between is put together with
// its like by size and by how often it changes; what changes with every build and what is new have a layer each
// (ostree-ext, chunking).
import { CoppiceError } from '@coppice/base';
import type { Component } from './components.ts';

export const defaultLayers = 64;
const fewestLayers = 4;
const largeShare = 0.6;
const outlier = 2;

type Bin = readonly Component[];

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Where the unusually small and the unusually large begin. */
interface Limits {
  readonly low: number;
  readonly high: number;
}

function limits(center: number, spread: number): Limits {
  return { low: 0.5 * Math.abs(center - outlier * spread), high: center + outlier * spread };
}

/** By median and median absolute deviation: many are outliers. */
function medianLimits(values: readonly number[]): Limits {
  const center = median(values);
  return limits(center, median(values.map((v) => Math.abs(v - center))));
}

/** By mean and standard deviation: few are. */
function meanLimits(values: readonly number[]): Limits {
  const center = values.reduce((a, b) => a + b, 0) / values.length;
  const square = values.reduce((a, b) => a + (b - center) ** 2, 0);
  return limits(center, Math.sqrt(square / Math.max(1, values.length - 1)));
}

const place = (value: number, { low, high }: Limits): 'high' | 'low' | 'medium' =>
  value >= high ? 'high' : value <= low ? 'low' : 'medium';

/** Groups of like size and frequency, those that change often first. */
function groups(components: Bin): Bin[] {
  const byFrequency = [...components].sort((a, b) => a.changes - b.changes || b.size - a.size);
  const frequency = meanLimits(byFrequency.map((c) => c.changes));
  const size = meanLimits(byFrequency.map((c) => c.size));
  const order = ['high', 'medium', 'low'];
  const out = new Map<string, Component[]>();
  for (const often of order) for (const large of order) out.set(`${often}/${large}`, []);
  for (const c of byFrequency) out.get(`${place(c.changes, frequency)}/${place(c.size, size)}`)!.push(c);
  return [...out.values()].filter((g) => g.length > 0);
}

function slices(group: Bin, length: number): Bin[] {
  const out: Bin[] = [];
  for (let at = 0; at < group.length; at += length) out.push(group.slice(at, at + length));
  return out;
}

/** Puts neighbours together from the end on until there are at most `room`; the first `fixed` stay alone as long as possible. */
function mergeDown(bins: Bin[], room: number, fixed: number): Bin[] {
  let keep = fixed;
  const out = [...bins];
  while (out.length > room) {
    const before = out.length;
    for (let i = out.length - 1; i > keep && out.length > room; i -= 2)
      out.splice(i - 1, 2, [...out[i - 1]!, ...out[i]!]);
    if (out.length === before) keep = Math.max(0, keep - 1);
  }
  return out;
}

function packFresh(components: Bin, bins: number): Bin[] {
  if (components.length === 0) return [];
  if (components.length < bins) return [...components.map((c) => [c]), []];
  const always = components.filter((c) => c.changes === Number.POSITIVE_INFINITY);
  const others = components.filter((c) => c.changes !== Number.POSITIVE_INFINITY);
  const reserved = 1 + (always.length > 0 ? 1 : 0);
  const out: Bin[] = [];
  if (others.length > 0) {
    const largeBins = Math.floor(largeShare * (bins - reserved - 1));
    const mediumBins = Math.max(1, bins - reserved - 1 - largeBins);
    const size = medianLimits(others.map((c) => c.size));
    const large = others.filter((c) => place(c.size, size) === 'high');
    const small = others.filter((c) => place(c.size, size) === 'low');
    const medium = [...large.slice(largeBins), ...others.filter((c) => place(c.size, size) === 'medium')];
    const alone = large.slice(0, largeBins).map((c) => [c]);
    const each = Math.max(1, Math.floor((others.length - largeBins - small.length) / mediumBins));
    const between = medium.length === 0 ? [] : groups(medium).flatMap((g) => slices(g, each));
    const first = [...alone, ...(small.length > 0 ? [small] : [])];
    out.push(...mergeDown([...first, ...between], bins - reserved, first.length));
  }
  if (always.length > 0) out.push(always);
  return [...out, []];
}

/** The bins of an earlier build: what went is taken out, what is new comes into the last one. */
function packAsBefore(components: Bin, bins: number, before: readonly (readonly string[])[]): Bin[] {
  if (before.length === 0) throw new CoppiceError('Invalid', 'Previous build has no layers with components');
  if (before.length > bins)
    throw new CoppiceError('Invalid', `Previous build has ${before.length} layers with components, more than ${bins}`);
  const byName = new Map(components.map((c) => [c.name, c]));
  const placed = new Set<string>();
  const out = before.map((names) =>
    names.flatMap((name) => {
      const found = byName.get(name);
      if (found === undefined || placed.has(name)) return [];
      placed.add(name);
      return [found];
    }),
  );
  const fresh = components.filter((c) => !placed.has(c.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // An empty layer only at the end: two of them would have the same digest, which marks the last one.
  return [...out.slice(0, -1).filter((bin) => bin.length > 0), [...out.at(-1)!, ...fresh]];
}

/**
 * Divides components (sorted, largest first) among at most `bins` layers; the last one is for what later builds add. With the
 * names of an earlier build's layers, everything stays where it was. Throws `Invalid`.
 */
export function packComponents(
  components: Bin,
  bins: number = defaultLayers,
  before?: readonly (readonly string[])[],
): Bin[] {
  if (bins < fewestLayers)
    throw new CoppiceError('Invalid', `Maximum number of layers must be at least ${fewestLayers}`);
  if (before !== undefined) return packAsBefore(components, bins, before);
  const separate = components.filter((c) => c.separate);
  if (separate.length === 0) return packFresh(components, bins);
  if (bins - separate.length < fewestLayers)
    throw new CoppiceError(
      'Invalid',
      `Cannot give ${separate.length} components of files a layer each with ${bins} layers`,
    );
  const [last, ...rest] = packFresh(
    components.filter((c) => !c.separate),
    bins - separate.length,
  ).reverse();
  return [...rest.reverse(), ...separate.map((c) => [c]), last ?? []];
}

/** What to call a layer. */
export function binTitle(bin: Bin): string {
  if (bin.length === 0) return 'Reserved for new packages';
  return bin.length <= 5 ? bin.map((c) => c.title).join(' and ') : `${bin.length} components`;
}
