import { defineConfig } from 'vitest/config';

const source = { conditions: ['source'] };

// A limit is there to end what hangs, on the slowest machine too: many times what the longest test of its kind takes.
const within = (minutes: number) => ({ testTimeout: minutes * 60_000, hookTimeout: minutes * 60_000 });

// Three kinds of tests: unit (beside each package), interop (against the original tools), journey (end to end).
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['packages/*/test/**/*.test.ts'], ...within(3) } },
      { extends: true, test: { name: 'interop', include: ['test/interop/**/*.test.ts'], ...within(15) } },
      { extends: true, test: { name: 'journey', include: ['test/journey/**/*.test.ts'], ...within(15) } },
    ],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=source'],
  },
});
