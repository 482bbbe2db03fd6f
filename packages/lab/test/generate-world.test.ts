import { expect, test } from 'vitest';
import { generateWorld } from '../src/generate-world.ts';
import { parseWorld } from '../src/world.ts';

test('generated worlds are right, reproducible and different', () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const text = JSON.stringify(generateWorld(seed));
    expect(JSON.stringify(generateWorld(seed))).toBe(text);
    seen.add(text);
    const world = parseWorld(text, `seed ${seed}`);
    const packages = [...world.base, ...world.repository].map((p) => p.name);
    for (const p of [...world.base, ...world.repository]) {
      for (const r of p.requires ?? []) if (!r.startsWith('/')) expect(packages).toContain(r);
    }
  }
  expect(seen.size).toBe(200);
});
