import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const packages = resolve(import.meta.dirname, '../..');

/** Files that a package's main entry reaches, through its own relative imports and other packages. */
function reached(entry: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(entry)) return seen;
  const text = readFileSync(entry, 'utf8');
  seen.set(entry, text);
  for (const [, target] of text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)'/gms)) {
    if (target!.startsWith('.')) reached(resolve(entry, '..', target!), seen);
    const other = /^@coppice\/([a-z-]+)$/.exec(target!)?.[1];
    if (other !== undefined) reached(join(packages, other, 'src/index.ts'), seen);
  }
  return seen;
}

describe('the main entries run in a browser', () => {
  it.each(['butane', 'ignition'])('%s imports nothing of Node', (name) => {
    const files = reached(join(packages, name, 'src/index.ts'));
    expect(files.size).toBeGreaterThan(readdirSync(join(packages, name, 'src')).length / 2);
    for (const [path, text] of files) {
      expect(text, path).not.toMatch(/from 'node:/);
      expect(text, path).not.toMatch(/\b(Buffer|process)\./);
    }
  });
});
