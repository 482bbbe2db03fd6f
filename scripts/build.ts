// npm run build: declaration and JavaScript files of every package (tsc -b), then the command bundle (esbuild) that bin/ runs.
//   --cli-only        only the bundle
//   --outdir DIR      where the bundle goes (default packages/coppice/dist/cli)
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { pastBarrels } from './barrels.ts';
import { lazyBuiltins } from './lazy-builtins.ts';
import { oneVerb, verbsOf } from './one-verb.ts';

const root = join(import.meta.dirname, '..');

/** Threads that are started from files of their own. */
const workers = {
  'ostree-compress-worker': 'packages/ostree/src/store/compress-worker.ts',
};

/** Threads that are started through main.cjs, for the compiled code that it keeps. */
const threads = { 'ostree-helper': 'packages/ostree/src/thread/helper-worker.ts' };

/** Rows of the table in programs.ts: name and module. */
const programPattern = /^ {2}'?([a-z-]+)'?: \(\) => import\('([^']+)'\)/gm;

/** Leaves a package to a file of its own beside the bundle. */
function apart(name: string): Plugin {
  return {
    name: `apart-${name}`,
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `./${name}.cjs`, external: true }));
    },
  };
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  conditions: ['source'],
  legalComments: 'none',
  logLevel: 'warning',
  minifySyntax: true,
  minifyWhitespace: true,
} as const satisfies BuildOptions;

/**
 * Bundles the commands: main.cjs, one file per program with modules that run when they are first needed, one more for each
 * of those verbs that are called most, and the threads. A start loads one file, because each further one costs half a
 * millisecond; what others need makes it slower too, even if it never runs. koffi stays outside, and so does the HTTP client,
 * which few commands need.
 */
export async function bundle(outdir: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const shared = {
    ...common,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: 'var __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  } as const satisfies BuildOptions;
  const source = join(root, 'packages/coppice/src');
  const direct = pastBarrels(join(root, 'packages'));
  /** Program to verb to file; '' for calls without a verb and for verbs that have none. */
  const bundles: Record<string, Record<string, string>> = {};
  const jobs: Promise<void>[] = [];
  const make = async (name: string, verb: string, from: BuildOptions, plugins: Plugin[]): Promise<void> => {
    const { outputFiles = [] } = await build({
      ...shared,
      ...from,
      write: false,
      external: ['koffi'],
      plugins: [apart('undici'), ...plugins, direct],
    });
    const { contents: bytes } = outputFiles[0]!;
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
    const file = `${name}-${verb === '' ? '' : `${verb.replace(/^-+/, 'none').replace(' ', '-')}-`}${digest}.cjs`;
    writeFileSync(join(outdir, file), bytes);
    bundles[name] = { ...bundles[name], [verb]: file };
  };
  for (const [, name, path] of readFileSync(join(source, 'programs.ts'), 'utf8').matchAll(programPattern)) {
    const contents = `import { start } from './cli/start.ts';
import { leaveAtOnce } from './cli/leave.ts';
import { run } from '${path}';
start('${name}', process.argv.slice(3), () => ({ run })).then(leaveAtOnce);`;
    const from: BuildOptions = { stdin: { contents, resolveDir: source, loader: 'ts' } };
    const verbs = verbsOf(source, name!);
    for (const verb of new Set(['', ...verbs])) {
      const some = verbs.includes(verb) ? [oneVerb(source, name!, verb)] : [];
      jobs.push(make(name!, verb, from, [...some, lazyBuiltins()]));
    }
  }
  for (const [name, path] of Object.entries(threads)) {
    jobs.push(make(name, '', { entryPoints: [join(root, path)], outfile: name }, [lazyBuiltins(['worker_threads'])]));
  }
  await Promise.all(jobs);
  const undici = createRequire(join(root, 'packages/http/package.json')).resolve('undici');
  await build({ ...common, entryPoints: [undici], outfile: join(outdir, 'undici.cjs'), format: 'cjs' });
  await build({
    ...common,
    entryPoints: Object.fromEntries(Object.entries(workers).map(([name, path]) => [name, join(root, path)])),
    outdir,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    external: ['koffi'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    plugins: [direct],
  });
  await build({
    ...common,
    entryPoints: [join(source, 'bundle-loader.ts')],
    outfile: join(outdir, 'main.cjs'),
    format: 'cjs',
    define: { bundles: JSON.stringify(bundles) },
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
