import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type House, houseDir } from '@coppice/instance';

/** The installation's folder: the launcher names it, else it is the nearest one above this file with our packages' dependencies. */
export function houseRoot(): string {
  const named = process.env['COPPICE_ROOT'];
  if (named !== undefined && named !== '') return named;
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'node_modules', 'koffi')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

/** This very program as an instance must see it: what runs now, built or from source. Its packages resolve upwards, in `node_modules`. */
export function thisHouse(): House {
  const main = process.argv[1]!;
  const root = houseRoot();
  const fromSource = main.endsWith('.ts');
  const inside = fromSource ? `${houseDir}/packages/coppice/src/main.ts` : `${houseDir}/cli/${basename(main)}`;
  return {
    node: process.execPath,
    main: [...(fromSource ? ['--conditions=source'] : []), '--disable-warning=ExperimentalWarning', inside],
    binds: {
      node_modules: join(root, 'node_modules'),
      ...(fromSource ? { packages: join(root, 'packages') } : { cli: dirname(main) }),
    },
    programs: ['coppice', 'ostree', 'rpm-ostree', 'butane', 'fcct', 'ignition-validate'],
  };
}
