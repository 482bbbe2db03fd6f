// npm run build: declaration and JavaScript files of every package (tsc -b), then the command bundle (esbuild) that bin/ runs.
//   --cli-only        only the bundle
//   --outdir DIR      where the bundle goes (default packages/coppice/dist/cli)
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Bundles the commands with lazily loaded chunks; koffi stays outside. */
export async function bundle(outdir: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: {
      main: join(root, 'packages/coppice/src/main.ts'),
      // Threads are started from a file of their own.
      'ostree-compress-worker': join(root, 'packages/ostree/src/store/compress-worker.ts'),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['source'],
    external: ['koffi'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    chunkNames: 'chunks/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  writeFileSync(join(outdir, 'stamp'), `${new Date().toISOString()}\n`);
}

/** Writes a JSON Schema per variant and version into the packages, for editors: `@coppice/butane/schemas/fcos-1.5.0.json`. */
export async function writeSchemas(outdir: string): Promise<void> {
  const { allSpecs, butaneSchema, ignitionSchema } = await import('@coppice/butane');
  const { minorOf, specVersions } = await import('@coppice/ignition');
  mkdirSync(outdir, { recursive: true });
  const write = (name: string, schema: unknown): void =>
    writeFileSync(join(outdir, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
  for (const spec of allSpecs()) write(`${spec.variant}-${spec.version}`, butaneSchema(spec));
  for (const version of specVersions) write(`ignition-${version}`, ignitionSchema(minorOf(version)!));
}

export async function buildAll(): Promise<void> {
  const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (tsc.status !== 0) throw new Error('tsc -b failed');
  await writeSchemas(join(root, 'packages/butane/dist/schemas'));
  await bundle(join(root, 'packages/coppice/dist/cli'));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'cli-only': { type: 'boolean' }, outdir: { type: 'string' } } });
  if (values['cli-only'] || values.outdir) await bundle(values.outdir ?? join(root, 'packages/coppice/dist/cli'));
  else await buildAll();
}
