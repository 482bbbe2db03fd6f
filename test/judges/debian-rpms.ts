// Real packages for tests: installed Debian packages repackaged by rpmbuild, so that sonames, file and versioned
// dependencies are what rpm's own generators find. Built once into a cache folder.
//   node test/judges/debian-rpms.ts COUNT [FOLDER]
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (command: string, args: readonly string[], options: { input?: string; cwd?: string } = {}): string => {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
};

interface Installed {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly summary: string;
  readonly homepage: string;
}

/** Installed packages, smallest first; the largest ones are of no use to a test. */
function installedPackages(): Installed[] {
  return run('dpkg-query', [
    '-W',
    '-f=${binary:Package}\\t${Version}\\t${Installed-Size}\\t${binary:Summary}\\t${Homepage}\\t${db:Status-Status}\\n',
  ])
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((f) => f[5] === 'installed')
    .map((f) => ({
      name: f[0]!.replace(/:.*/, ''),
      version: f[1]!,
      size: Number(f[2]),
      summary: f[3]!,
      homepage: f[4]!,
    }))
    .filter((p) => p.size > 0 && p.size < 6000)
    .sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
}

const plain = /^[A-Za-z0-9_./+:@~,=-]+$/;

function specOf(pkg: Installed, list: string, index: number): string {
  const epoch = /^(\d+):/.exec(pkg.version)?.[1];
  const rest = pkg.version.replace(/^\d+:/, '');
  const dash = rest.lastIndexOf('-');
  const clean = (text: string): string => text.replace(/[^A-Za-z0-9._+~^]/g, '.');
  const version = clean(dash < 0 ? rest : rest.slice(0, dash));
  const release = dash < 0 ? '1' : clean(rest.slice(dash + 1));
  const payload = ['w3.zstdio', 'w6.gzdio', 'w2.xzdio', 'w19.zstdio', 'w9.bzdio'][index % 5]!;
  const script = (name: string, section: string): string => {
    const file = `/var/lib/dpkg/info/${pkg.name}.${name}`;
    if (!existsSync(file)) return '';
    const text = readFileSync(file, 'utf8');
    const shell = /^#!\s*(\S+)/.exec(text)?.[1];
    if (shell === undefined || /^%/m.test(text)) return '';
    return `%${section} -p ${shell}\n${text.replaceAll('%', '%%')}\n`;
  };
  return `Name: ${pkg.name}
Version: ${version}
Release: ${release}
${epoch === undefined ? '' : `Epoch: ${epoch}\n`}Summary: ${pkg.summary.replaceAll('%', '%%')}
License: Various
${pkg.homepage === '' ? '' : `URL: ${pkg.homepage}\n`}Group: Debian/Test
Recommends: ${pkg.name}-doc
Suggests: ${pkg.name}-extra >= ${version}
Requires: (${pkg.name}-data or ${pkg.name} >= ${version})
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload ${payload}
%description
${pkg.summary.replaceAll('%', '%%')}
${script('preinst', 'pre')}${script('postinst', 'post')}${script('prerm', 'preun')}${script('postrm', 'postun')}
%files -f ${list}
%changelog
* Wed Jan 01 2020 A Packager <packager@example.com> - ${version}-${release}
- Made from the Debian package
* Tue Dec 31 2019 A Packager <packager@example.com> - ${version}-0
- Before
`;
}

function buildOne(pkg: Installed, work: string, index: number): string | undefined {
  rmSync(work, { recursive: true, force: true });
  const root = join(work, 'root');
  mkdirSync(root, { recursive: true });
  const conffiles = `/var/lib/dpkg/info/${pkg.name}.conffiles`;
  const config = new Set(existsSync(conffiles) ? readFileSync(conffiles, 'utf8').split('\n') : []);
  const names = run('dpkg', ['-L', pkg.name])
    .split('\n')
    // On a merged /usr the top-level names are links.
    .map((path) => path.replace(/^\/(lib|lib64|bin|sbin)(?=\/)/, '/usr/$1'))
    .filter((path, i, all) => path.startsWith('/') && path !== '/.' && plain.test(path) && all.indexOf(path) === i);
  const lines: string[] = [];
  const files: string[] = [];
  for (const path of names) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const type = stat.mode & 0o170000;
    if (type === 0o040000 && existsSync(path)) {
      if (path.split('/').length < 4) continue;
      lines.push(`%dir ${path}`);
    } else if (type === 0o100000) lines.push(config.has(path) ? `%config(noreplace) ${path}` : path);
    else if (type === 0o120000) lines.push(path);
    else continue;
    files.push(path.slice(1));
  }
  if (!lines.some((line) => !line.startsWith('%dir'))) return undefined;
  run('sh', ['-c', `tar -C / --no-recursion -cf - -T - | tar -C '${root}' -xpf -`], { input: `${files.join('\n')}\n` });
  const list = join(work, 'files');
  writeFileSync(list, `${lines.join('\n')}\n`);
  const spec = join(work, 'package.spec');
  writeFileSync(spec, specOf(pkg, list, index));
  const built = spawnSync(
    'rpmbuild',
    [
      '-bb',
      '--quiet',
      '--nodebuginfo',
      '--buildroot',
      root,
      '--define',
      `_topdir ${work}/top`,
      '--define',
      'clamp_mtime_to_source_date_epoch 1',
      '--define',
      'use_source_date_epoch_as_buildtime 1',
      '--define',
      '_buildhost localhost',
      '--noclean',
      spec,
    ],
    { encoding: 'utf8', env: { ...process.env, SOURCE_DATE_EPOCH: '1577880000' } },
  );
  if (built.status !== 0) return undefined;
  const out = run('find', [join(work, 'top/RPMS'), '-name', '*.rpm']).trim();
  return out === '' ? undefined : out;
}

/** How many the tests use; a full run sets the variable to 300. */
export const debianCount = Number(process.env.COPPICE_DEBIAN_RPMS ?? 40);

const rpmsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.rpm'))
    .sort();

function build(count: number, folder: string): void {
  const log = join(folder, 'done');
  const done = new Set(existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []);
  let index = done.size;
  const work = join(folder, 'work');
  for (const pkg of installedPackages()) {
    if (rpmsIn(folder).length >= count) break;
    if (done.has(pkg.name)) continue;
    const made = buildOne(pkg, work, index++);
    if (made !== undefined) renameSync(made, join(folder, made.slice(made.lastIndexOf('/') + 1)));
    done.add(pkg.name);
    writeFileSync(log, [...done].join('\n'));
  }
  rmSync(work, { recursive: true, force: true });
}

/** Paths of `count` packages in `folder`, built when they are not there yet; test files that ask at once wait for each other. */
export function debianRpms(
  count: number,
  folder = process.env.COPPICE_DEBIAN_RPMS_DIR ?? join(tmpdir(), 'coppice-debian-rpms'),
): string[] {
  mkdirSync(folder, { recursive: true });
  if (rpmsIn(folder).length < count)
    run('flock', [join(folder, 'lock'), process.execPath, import.meta.filename, String(count), folder]);
  return rpmsIn(folder)
    .slice(0, count)
    .map((name) => join(folder, name));
}

if (import.meta.main) {
  const [count = '40', folder = join(tmpdir(), 'coppice-debian-rpms')] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  build(Number(count), folder);
  process.stdout.write(`${rpmsIn(folder).length} packages\n`);
}
