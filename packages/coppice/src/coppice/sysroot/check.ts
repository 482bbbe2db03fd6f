import type { Finding } from '@coppice/sysroot';

/** One paragraph per finding: where, what it means, what to do. */
export function checkText(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'No problems found.\n';
  return findings
    .map(({ severity, code, path, message, advice, command }) => {
      const shell = command === null ? '' : `    $ ${command}\n`;
      return `${severity}: ${path}: ${message} [${code}]\n    ${advice}\n${shell}`;
    })
    .join('');
}
