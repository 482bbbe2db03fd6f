// Node's crypto, zlib and the like take milliseconds to set up, more than many verbs take. In the bundle they are loaded by
// the first call of one of their functions.
import type { Plugin } from 'esbuild';

/** Modules of which the packages import functions and classes only, apart from tables called `constants`. */
const lazyModules = ['child_process', 'crypto', 'http', 'module', 'net', 'os', 'worker_threads', 'zlib'];

function standIn(name: string): string {
  const builtin = process.getBuiltinModule(name) as Record<string, unknown>;
  const lines = [`const load = () => process.getBuiltinModule(${JSON.stringify(name)});`];
  for (const [key, value] of Object.entries(builtin)) {
    if (!/^[A-Za-z_]\w*$/.test(key) || key === 'default') continue;
    // The binding is replaced by the real function at its first call, so that later ones cost nothing.
    if (typeof value === 'function')
      lines.push(
        `export let ${key} = function (...args) { ${key} = load().${key}; return new.target ? new ${key}(...args) : ${key}(...args); };`,
      );
    else if (key === 'constants')
      lines.push('export const constants = new Proxy({}, { get: (_, key) => load().constants[key] });');
  }
  return lines.join('\n');
}

/** An esbuild plugin that puts stand-ins for Node modules that are slow to load; those in `present` are there at the start. */
export function lazyBuiltins(present: readonly string[] = []): Plugin {
  const modules = lazyModules.filter((name) => !present.includes(name));
  return {
    name: 'lazy-builtins',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^node:(${modules.join('|')})$`) }, ({ path, kind, importer }) =>
        kind === 'import-statement' && /\/packages\/[a-z-]+\/src\//.test(importer)
          ? { path: path.slice('node:'.length), namespace: 'lazy-builtin', sideEffects: false }
          : undefined,
      );
      build.onLoad({ filter: /.*/, namespace: 'lazy-builtin' }, ({ path }) => ({
        contents: standIn(path),
        loader: 'js',
      }));
    },
  };
}
