// The rules that no compiler checks: packages import only lower floors and only what they declare; a package's
// tsconfig references follow its dependencies; no source file over 500 lines (tables excepted, by name).
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Floor of every package; an import must go strictly down. */
export const floors: Readonly<Record<string, number>> = {
  base: 0,
  gvariant: 1,
  keyfile: 1,
  dbus: 1,
  archive: 1,
  signing: 1,
  systemd: 1,
  http: 1,
  linux: 1,
  ostree: 2,
  ignition: 2,
  oci: 2,
  selinux: 2,
  sysroot: 3,
  rpm: 3,
  butane: 3,
  'ignition-apply': 3,
  'rpm-ostree': 4,
  instance: 5,
  updates: 5,
  'machine-config': 5,
  lab: 6,
  console: 6,
  coppice: 7,
};

const lineLimit = 500;
/** Files that are tables and may be longer. */
const tableFile = /(table|tables|messages|vectors)\.ts$/;

/** `import ... from 'x'`, `export ... from 'x'`, `import 'x'` at the start of a line, and `import('x')`. */
const importPattern =
  /^(?:import|export)\b[^'";=]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

export function houseFaults(root: string): string[] {
  const faults: string[] = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const dir = join(root, 'packages', name);
    if (!existsSync(join(dir, 'package.json'))) continue;
    const floor = floors[name];
    if (floor === undefined) {
      faults.push(`packages/${name}: not on any floor; add it to scripts/house.ts and docs/architecture.md`);
      continue;
    }
    const manifest = json<Manifest>(join(dir, 'package.json'));
    const declared = new Set(Object.keys(manifest.dependencies ?? {}));
    const references = new Set(
      (json<{ references?: { path: string }[] }>(join(dir, 'tsconfig.json')).references ?? []).map((r) =>
        r.path.slice(3),
      ),
    );
    for (const file of globSync('src/**/*.{ts,tsx}', { cwd: dir })) {
      const where = relative(root, join(dir, file));
      const text = readFileSync(join(dir, file), 'utf8');
      const lines = text.split('\n').length;
      if (lines > lineLimit && !tableFile.test(file)) faults.push(`${where}: ${lines} lines, over ${lineLimit}`);
      for (const match of text.matchAll(importPattern)) {
        const target = match.slice(1).find((part) => part !== undefined)!;
        if (target.startsWith('.') || target.startsWith('node:')) continue;
        const wanted = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0]!;
        if (wanted === manifest.name) continue;
        if (!declared.has(wanted)) faults.push(`${where}: imports ${wanted}, which package.json does not declare`);
        if (!wanted.startsWith('@coppice/')) continue;
        const below = wanted.slice('@coppice/'.length);
        if ((floors[below] ?? 99) >= floor)
          faults.push(`${where}: floor ${floor} imports ${wanted} on floor ${floors[below]}`);
        if (!references.has(below)) faults.push(`${where}: tsconfig.json does not reference ../${below}`);
      }
    }
  }
  return faults;
}
