// The bundler splits by file, and a package's index.ts names them all: whoever takes one function from a package would load
// the whole of it. This plugin lets every import of a package point at the files that define the names.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

const exportPattern = /^export (?:type )?\{([^}]*)\} from '(\.[^']+)';/gm;
const importPattern = /^import \{([^}]*)\} from '(@coppice\/[a-z-]+)';/gm;
const dynamicPattern = /\bconst \{([^}]*)\} = await import\('(@coppice\/[a-z-]+)'\)/g;

function names(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Exported name to the file that defines it, as a package's index.ts says. */
function exportsOf(index: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const [, list, from] of readFileSync(index, 'utf8').matchAll(exportPattern)) {
    // A renamed export keeps going through index.ts.
    for (const name of names(list!)) if (!name.includes(' ')) out.set(name, join(dirname(index), from!));
  }
  return out;
}

/**
 * An esbuild plugin that leads `import { a } from '@coppice/x'` past the index.ts of x, for the packages under `packages`. Each
 * file is read once, however many bundles it goes into.
 */
export function pastBarrels(packages: string): Plugin {
  const known = new Map<string, ReadonlyMap<string, string>>();
  const changed = new Map<string, string>();
  const definedIn = (specifier: string): ReadonlyMap<string, string> => {
    let found = known.get(specifier);
    if (found === undefined) {
      found = exportsOf(join(packages, specifier.slice('@coppice/'.length), 'src/index.ts'));
      known.set(specifier, found);
    }
    return found;
  };
  /** One import statement per file; those not found stay with the package. */
  const direct = (list: string, specifier: string): string => {
    const files = definedIn(specifier);
    const values = names(list).filter((name) => !name.startsWith('type '));
    return values.map((name) => `import { ${name} } from '${files.get(name.split(' ')[0]!) ?? specifier}';`).join(' ');
  };
  const directDynamic = (whole: string, list: string, specifier: string): string => {
    const files = new Set(names(list).map((name) => definedIn(specifier).get(name)));
    const [file] = files;
    return files.size === 1 && file !== undefined ? whole.replace(specifier, file) : whole;
  };
  return {
    name: 'past-barrels',
    setup(build) {
      const filter = new RegExp(`^${packages.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}/[a-z-]+/src/.*\\.ts$`);
      build.onLoad({ filter }, ({ path }) => {
        let contents = changed.get(path);
        if (contents === undefined) {
          contents = readFileSync(path, 'utf8')
            // Lines are kept, for positions in errors.
            .replace(importPattern, (whole, list: string, from: string) => {
              return direct(list, from) + '\n'.repeat(whole.split('\n').length - 1);
            })
            .replace(dynamicPattern, directDynamic);
          changed.set(path, contents);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}
