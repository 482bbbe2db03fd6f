// Which of the original tools a test needs.
import { spawnSync } from 'node:child_process';

const inCi = (process.env['CI'] ?? '') !== '';

/** Why these tests cannot run here; undefined when they can, and always in CI, where a missing tool is a failure. */
export function missingTools(...tools: string[]): string | undefined {
  const missing = tools.filter((t) => spawnSync('sh', ['-c', `command -v ${t}`]).status !== 0);
  return missing.length === 0 || inCi ? undefined : `needs ${missing.join(', ')}`;
}
