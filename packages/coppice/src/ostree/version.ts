import { type OstreeLevel, ostreeCompat } from '@coppice/ostree/compat';

/** `--version` text: YAML, release and compiled-in features. */
export function versionText(level: OstreeLevel): string {
  const { version, features } = ostreeCompat(level);
  return `libostree:\n Version: '${version}'\n Features:\n${features.map((f) => `  - ${f}\n`).join('')}`;
}
