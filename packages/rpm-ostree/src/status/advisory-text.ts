import type { Advisory } from './model.ts';

const severities = ['none', 'low', 'moderate', 'important', 'critical'] as const;
const severityWidth = 'Important'.length;

/** Only these are shown. */
export function securityAdvisories(advisories: readonly Advisory[]): Advisory[] {
  return advisories.filter((a) => a.kind === 'security');
}

/** `1 low, 2 important`; advisories of unknown severity are spelled out. */
export function summarizeAdvisories(advisories: readonly Advisory[]): string {
  return severities
    .map((s) => ({ s, n: advisories.filter((a) => a.severity === s).length }))
    .filter((c) => c.n > 0)
    .map((c) => `${c.n} ${c.s === 'none' ? 'unknown severity' : c.s}`)
    .join(', ');
}

/** A line for each package of each advisory, by severity, and two for each of its references. */
export function advisoryLines(advisories: readonly Advisory[]): string[] {
  const width = Math.max(0, ...advisories.map((a) => a.id.length));
  const name = (a: Advisory): string =>
    a.severity === 'none' ? 'Unknown' : a.severity[0]!.toUpperCase() + a.severity.slice(1);
  const sorted = [...advisories].sort(
    (a, b) =>
      severities.indexOf(a.severity) - severities.indexOf(b.severity) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
  return sorted.flatMap((a) => [
    ...a.packages.map((p) => `${a.id.padEnd(width)}  ${name(a).padEnd(severityWidth)}  ${p}`),
    ...a.references.flatMap((r) => [`  ${r.title}`, `  ${r.url}`]),
  ]);
}

/** The block that `db` prints: the heading at the left. Empty without security advisories. */
export function formatAdvisories(advisories: readonly Advisory[]): string {
  const security = securityAdvisories(advisories);
  if (security.length === 0) return '';
  return ['SecAdvisories:', ...advisoryLines(security).map((line) => `    ${line}`)].map((l) => `${l}\n`).join('');
}
