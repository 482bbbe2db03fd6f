// Every package of a world, written by our RPM writer, signed, with repository metadata.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Progress, silentProgress } from '@coppice/base';
import { buildPackage, createRepository, type PackageSpec } from '@coppice/rpm';
import { shellTools } from './shell-tools.ts';
import type { World, WorldPackage } from './world.ts';
import { worldPackage } from './world-package.ts';

export interface MadePackages {
  /** Files of each stream's base, relative to the package folder. */
  readonly base: Readonly<Record<string, readonly string[]>>;
  readonly count: number;
}

export interface MakePackagesOptions {
  readonly secretKey: Uint8Array;
  /** Creation time of the signatures, seconds. */
  readonly created: number;
  /** Packages that take the place of the world's layout, shell and os-release, as from `baseTreePackages`. */
  readonly baseTree?: readonly PackageSpec[];
  readonly progress?: Progress;
}

/** True when the package is part of a base that a real tree provides already: by kind, by name, or because a file collides. */
function replacedBy(pkg: WorldPackage, names: ReadonlySet<string>, paths: ReadonlySet<string>): boolean {
  return (
    Boolean(pkg.layout || pkg.shell || pkg['os-release']) ||
    names.has(pkg.name) ||
    Object.keys(pkg.files ?? {}).some((path) => paths.has(path))
  );
}

export async function makePackages(dir: string, world: World, options: MakePackagesOptions): Promise<MadePackages> {
  const { secretKey, created, baseTree = [], progress = silentProgress } = options;
  const shell = shellTools();
  const names = new Set(baseTree.map((spec) => spec.name));
  const paths = new Set(baseTree.flatMap((spec) => (spec.files ?? []).map((file) => file.path)));
  const kept = baseTree.length === 0 ? world.base : world.base.filter((pkg) => !replacedBy(pkg, names, paths));
  const dropped = new Set(world.base.filter((pkg) => !kept.includes(pkg)).map((pkg) => pkg.name));
  const written = new Map<string, string>();
  const write = (spec: PackageSpec): string => {
    const built = buildPackage(spec, { signWith: { secretKey, created } });
    const folder = built.fileName[0]!.toLowerCase();
    const href = `Packages/${folder}/${built.fileName}`;
    if (!written.has(href)) {
      mkdirSync(join(dir, 'Packages', folder), { recursive: true });
      writeFileSync(join(dir, href), built.bytes());
      written.set(href, built.fileName);
      progress({ type: 'update', step: 'Building packages', done: written.size });
    }
    return href;
  };
  /** Requirements on packages that the real tree stands in for are dropped: it has no such names. */
  const spec = (pkg: WorldPackage, stream: string): PackageSpec => {
    const made = worldPackage(world, pkg, stream, shell);
    if (dropped.size === 0) return made;
    const requires = (made.requires ?? []).filter((r) => typeof r !== 'string' || !dropped.has(r.split(' ')[0]!));
    return { ...made, requires };
  };

  progress({ type: 'begin', step: 'Building packages' });
  const tree = baseTree.map(write);
  const base: Record<string, readonly string[]> = {};
  const streams = Object.keys(world.streams);
  for (const stream of streams) base[stream] = [...tree, ...kept.map((pkg) => write(spec(pkg, stream)))];
  for (const pkg of world.repository) for (const stream of streams) write(spec(pkg, stream));
  progress({ type: 'end', step: 'Building packages', text: String(written.size) });
  progress({ type: 'begin', step: 'Writing repository metadata' });
  await createRepository(dir, { revision: String(created), timestamp: created });
  progress({ type: 'end', step: 'Writing repository metadata' });
  return { base, count: written.size };
}
