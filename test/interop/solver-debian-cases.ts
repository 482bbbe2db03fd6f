// Solver problems over the packages of this Debian system, with the dependencies they really have.
import { execFileSync } from 'node:child_process';
import { randomNumbers } from './solver-cases.ts';

const fields = ['Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Conflicts', 'Breaks', 'Provides'] as const;
const tags = ['Prq', 'Req', 'Rec', 'Sug', 'Con', 'Con', 'Prv'] as const;

interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly lines: readonly string[];
}

/** `a (>= 1) | b:any` as the test format writes it. */
function dependency(text: string): string {
  return text
    .split('|')
    .map((one) => {
      const [, name, operator, version] = /^\s*([^\s:(]+)(?::\S+)?\s*(?:\(\s*([<>=]+)\s*([^\s)]+)\s*\))?/.exec(one)!;
      if (operator === undefined) return name!;
      return `${name} ${{ '<<': '<', '>>': '>' }[operator] ?? operator} ${version}`;
    })
    .join(' | ');
}

let known: DebianPackage[] | undefined;

function packages(): DebianPackage[] {
  if (known !== undefined) return known;
  const format = ['Package', 'Version', 'Architecture', ...fields].map((f) => `\${${f}}`).join('\\t');
  const out = execFileSync('dpkg-query', ['-W', `-f=${format}\\n`], { encoding: 'utf8', maxBuffer: 1 << 26 });
  known = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name, version, arch, ...rest] = line.split('\t') as [string, string, string, ...string[]];
      const lines = rest.flatMap((list, i) =>
        list
          .split(',')
          .filter((text) => text.trim() !== '')
          .map((text) => `=${tags[i]}: ${dependency(text)}`),
      );
      return { name, version, arch: arch === 'all' ? 'noarch' : 'x86_64', lines };
    });
  return known;
}

function tagged(pkg: DebianPackage, suffix = ''): string[] {
  const dash = pkg.version.lastIndexOf('-');
  const [version, release] = dash < 0 ? [pkg.version, '-'] : [pkg.version.slice(0, dash), pkg.version.slice(dash + 1)];
  const full = dash < 0 ? `${version}${suffix} -` : `${version} ${release}${suffix}`;
  return [`=Pkg: ${pkg.name} ${full} ${pkg.arch}`, ...pkg.lines].map((line) => `#>${line}`);
}

/** The text of one problem: a part of the packages is installed, some have a newer version. */
export function generateDebianCase(seed: number): string {
  const random = randomNumbers(seed * 6007 + 3);
  const all = packages();
  const some = (): string => all[random(all.length)]!.name;
  const share = random(100);
  const installed = all.filter(() => random(100) < share);
  const out = ['repo system 0 testtags <inline>', ...installed.flatMap((pkg) => tagged(pkg))];
  out.push('repo available 0 testtags <inline>', ...all.flatMap((pkg) => tagged(pkg)));
  const newer = all.filter(() => random(6) === 0);
  out.push(
    'repo updates 0 testtags <inline>',
    ...newer.flatMap((pkg) => tagged(pkg, '+1')),
    'system x86_64 rpm system',
  );
  if (random(3) === 0) out.push('solverflags allowuninstall');
  if (random(4) === 0) out.push('solverflags ignorerecommended');
  for (let n = 1 + random(4); n > 0; n--)
    out.push(
      `job ${
        [
          `install name ${some()}`,
          `install name ${some()}`,
          `install name ${some()} [forcebest]`,
          `erase name ${some()}`,
          `erase name ${some()} [cleandeps]`,
          `update name ${some()}`,
          'update all packages',
          'distupgrade all packages',
          `lock name ${some()}`,
          `verify name ${some()}`,
        ][random(10)]
      }`,
    );
  return `${out.join('\n')}\n`;
}
