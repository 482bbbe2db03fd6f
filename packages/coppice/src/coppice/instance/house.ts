import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { House } from '@coppice/instance';

/** The repository or installation folder: the nearest one above this file that has node_modules. */
export function houseRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'node_modules', 'koffi')) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
}

/** This very program as an instance must see it: what runs now, built or from source. */
export function thisHouse(): House {
  const main = process.argv[1]!;
  const fromSource = main.endsWith('.ts');
  const bundle = dirname(main);
  const root = houseRoot();
  // A bundle outside the installation (a private build) resolves its packages from the installation.
  const inside = bundle.startsWith(`${root}/`);
  return {
    node: process.execPath,
    main: [...(fromSource ? ['--conditions=source'] : []), '--disable-warning=ExperimentalWarning', main],
    root: inside ? root : bundle,
    binds: fromSource
      ? [join(root, 'packages'), join(root, 'node_modules')]
      : inside
        ? [bundle, join(root, 'node_modules')]
        : [bundle],
    programs: ['coppice', 'ostree', 'rpm-ostree', 'butane', 'fcct', 'ignition-validate'],
  };
}
