// Where a file of an RPM goes in a commit: an image has no /etc, /var, /run, /boot or /opt of its own.
import { CoppiceError } from '@coppice/base';

/** What becomes of one path. `path` is relative to the root of the tree, without a leading slash. */
export type ImportPath =
  | { readonly kind: 'store'; readonly path: string }
  /** Created at boot instead: directories and links below /var and /run. `path` is absolute. */
  | { readonly kind: 'tmpfiles'; readonly path: string }
  | { readonly kind: 'skip' };

const rewrites: readonly [string, string][] = [
  ['etc', 'usr/etc'],
  ['boot', 'usr/lib/ostree-boot'],
  ['var/lib/selinux/targeted', 'usr/etc/selinux/targeted'],
  ['opt', 'usr/lib/opt'],
];

/** Moves a path of a package to its place in an image (relative, no leading slash in and out). */
export function rewriteImportPath(path: string): string {
  for (const [from, to] of rewrites) {
    if (path === from && from !== 'boot') return to;
    if (path.startsWith(`${from}/`)) return to + path.slice(from.length);
  }
  if (path.startsWith('var/lib/alternatives') || path.startsWith('var/lib/vagrant')) return `usr/${path.slice(4)}`;
  return path;
}

const below = (path: string, dir: string): boolean => path === dir || path.startsWith(`${dir}/`);

/** Classifies a package's path as the original's importer does; throws `Unsupported` for places an image cannot hold. */
export function importPath(path: string): ImportPath {
  if (path === '') return { kind: 'store', path };
  const to = rewriteImportPath(path);
  const absolute = `/${to}`;
  if (absolute.startsWith('/usr/etc/selinux') && absolute.endsWith('.LOCK')) return { kind: 'skip' };
  if (below(absolute, '/run') || below(absolute, '/var')) {
    if (absolute.startsWith('/var/lib/rpm') || absolute.startsWith('/var/lib/selinux')) return { kind: 'skip' };
    if (absolute === '/run' || absolute === '/var') return { kind: 'skip' };
    return { kind: 'tmpfiles', path: absolute };
  }
  for (const dir of ['/usr', '/bin', '/sbin', '/lib', '/lib64'])
    if (below(absolute, dir)) return { kind: 'store', path: to };
  if (absolute === '/boot') return { kind: 'skip' };
  throw new CoppiceError(
    'Unsupported',
    `Unsupported path: ${absolute}; See https://github.com/projectatomic/rpm-ostree/issues/233`,
  );
}
