import { defineConfig } from 'vitest/config';

const source = { conditions: ['source'] };

// Three kinds of tests: unit (beside each package), interop (against the original tools), journey (end to end).
export default defineConfig({
  resolve: source,
  ssr: { resolve: source },
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['packages/*/test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'interop', include: ['test/interop/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'journey', include: ['test/journey/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000 },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    execArgv: ['--conditions=source'],
  },
});
