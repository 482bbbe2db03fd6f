// A whole Debian system as RPMs: the packages of a node, kernel, systemd, dracut and podman among them, with buildah and
// tcpdump to be layered, downloaded and repackaged by rpmbuild with its own dependency generators. Needs apt, the network
// and a few minutes once; kept below .cache/.
//   node test/judges/debian-base.ts [--cached]
// prints the folder: base/*.rpm, layers/*.rpm to install, later/*.rpm with a higher release and one more file of 30 packages
// of the base, override/*.rpm with another conmon
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const essential = (
  'base-files base-passwd bash bsdutils coreutils dash debianutils diffutils dpkg findutils grep gzip hostname ' +
  'init-system-helpers libc-bin login ncurses-base ncurses-bin perl-base sed sysvinit-utils tar util-linux'
).split(' ');
const wanted = (
  'podman systemd dbus udev linux-image-cloud-amd64 dracut ostree ostree-boot passwd iproute2 openssh-server ' +
  'ca-certificates curl git less vim-tiny'
).split(' ');
/** Not in the base: what they need and the base lacks is layered with them. */
const layered = ['buildah', 'tcpdump'];
const buildTime = '1577880000';

function must(command: string, args: readonly string[], options: { cwd?: string; input?: string } = {}): string {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

/** Downloads what a machine with nothing on it would need for `names`; returns the files. */
function download(dir: string, names: readonly string[]): string[] {
  const debs = join(dir, 'debs');
  mkdirSync(join(debs, 'partial'), { recursive: true });
  const status = join(dir, 'status');
  writeFileSync(status, '');
  const options = [`Dir::State::status=${status}`, `Dir::Cache::archives=${debs}`, 'Debug::NoLocking=1'];
  const args = ['-qy', '--no-install-recommends', '--download-only', ...options.flatMap((o) => ['-o', o])];
  const plan = must('apt-get', [...args, '--print-uris', 'install', ...names]);
  must('apt-get', [...args, 'install', ...names]);
  // `'URL' FILE SIZE HASH`
  return [...plan.matchAll(/^'[^']+' (\S+\.deb) /gm)].map((m) => join(debs, m[1]!));
}

function evr(text: string): { epoch: string | undefined; version: string; release: string } {
  const clean = (part: string): string => part.replace(/[^A-Za-z0-9._+~^]/g, '.');
  const rest = text.replace(/^\d+:/, '');
  const dash = rest.lastIndexOf('-');
  return {
    epoch: /^(\d+):/.exec(text)?.[1],
    version: clean(dash < 0 ? rest : rest.slice(0, dash)),
    release: dash < 0 ? '1' : clean(rest.slice(dash + 1)),
  };
}

/** What a Fedora spec file states beside what the generators find. */
const provides: Readonly<Record<string, readonly string[]>> = { libc6: ['rtld(GNU_HASH)'] };
/** Things that Debian's packages mention but do not depend on. */
const unmet = '^(perl\\\\(.*|/usr/bin/pkg-config|/lib/runit/.*|libatm\\\\.so\\\\.1.*)$';

/** What the original Fedora package's scripts do, for the few where it matters to layering. */
const scripts: Readonly<Record<string, string>> = {
  tcpdump: `%pre
/usr/sbin/groupadd -g 72 tcpdump 2>/dev/null
/usr/sbin/useradd -u 72 -g 72 -s /usr/sbin/nologin -M -r -d / tcpdump 2>/dev/null
exit 0
`,
  buildah: `%post
mkdir -p /etc/containers
echo layered > /etc/containers/buildah.note
`,
};

/** A path as %files takes it: no globs, no macros. */
function quoted(path: string): string {
  if (/^[A-Za-z0-9_./+:@~,=-]+$/.test(path)) return path;
  return `"${path.replace(/[[*?{]/g, '[$&]').replaceAll('%', '%%')}"`;
}

/** Moves a package's files to where an image has them: all in /usr, the kernel with its modules. */
function arrange(root: string): string[] {
  const short: string[] = [];
  const sh = (script: string): void => void must('sh', ['-euc', script], { cwd: root });
  for (const top of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    if (lstatSync(join(root, top), { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    if (top === 'bin' || top === 'sbin') short.push(...readdirSync(join(root, top)).map((name) => `/${top}/${name}`));
    sh(`mkdir -p usr/${top}; cp -a ${top}/. usr/${top}/; rm -r ${top}`);
  }
  if (existsSync(join(root, 'boot')))
    for (const name of readdirSync(join(root, 'boot'))) {
      const kernel = /^(vmlinuz|config|System\.map)-(.+)$/.exec(name);
      if (kernel !== null)
        sh(`mkdir -p usr/lib/modules/${kernel[2]}; mv boot/${name} usr/lib/modules/${kernel[2]}/${kernel[1]}`);
    }
  sh('rm -rf boot var run tmp dev proc sys root home mnt media srv usr/share/lintian usr/share/doc-base');
  return short;
}

function files(root: string, config: ReadonlySet<string>): string[] {
  const out: string[] = [];
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const at = `${path}/${name}`;
      const stat = lstatSync(join(root, at));
      if (stat.isDirectory()) {
        if (at.split('/').length > 3) out.push(`%dir ${quoted(at)}`);
        visit(at);
      } else if (stat.isSymbolicLink()) out.push(quoted(at));
      else if (stat.isFile()) out.push(config.has(at) ? `%config(noreplace) ${quoted(at)}` : quoted(at));
    }
  };
  visit('');
  return out;
}

/** Another build of a package: what its release ends in, and one more file. */
interface Rebuild {
  readonly suffix: string;
}

/** The spec file of a package whose files lie in `root`. */
function specOf(deb: string, root: string, list: string, rebuild: Rebuild | undefined): string {
  const field = (name: string): string => must('dpkg-deb', ['-f', deb, name]).trim();
  const name = field('Package');
  const { epoch, version, release } = evr(field('Version'));
  const short = arrange(root);
  if (rebuild !== undefined) {
    mkdirSync(join(root, 'usr/share/later'), { recursive: true });
    writeFileSync(join(root, 'usr/share/later', name), `${name} ${rebuild.suffix}\n`);
  }
  const control = spawnSync('dpkg-deb', ['-I', deb, 'conffiles'], { encoding: 'utf8' });
  const lines = files(root, new Set(control.status === 0 ? control.stdout.split('\n') : []));
  if (!lines.some((line) => !line.startsWith('%dir'))) lines.length = 0;
  writeFileSync(list, `${lines.join('\n')}\n`);
  const [summary = name] = field('Description').split('\n');
  const kernel = lines.find((line) => /\/vmlinuz$/.test(line));
  return `Name: ${kernel === undefined ? name : 'kernel-core'}
Version: ${version}
Release: ${release}${rebuild?.suffix ?? ''}
${epoch === undefined ? '' : `Epoch: ${epoch}\n`}Summary: ${summary.replaceAll('%', '%%')}
License: Various
${[...short, ...(provides[name] ?? [])].map((what) => `Provides: ${what}\n`).join('')}%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _binary_payload w3.zstdio
%global __requires_exclude ${unmet}
%description
${summary.replaceAll('%', '%%')}
${scripts[name] ?? ''}%files ${lines.length === 0 ? '' : `-f ${list}`}
`;
}

async function build(deb: string, work: string, out: string, rebuild?: Rebuild): Promise<void> {
  rmSync(work, { recursive: true, force: true });
  const root = join(work, 'root');
  mkdirSync(root, { recursive: true });
  must('dpkg-deb', ['-x', deb, root]);
  writeFileSync(join(work, 'package.spec'), specOf(deb, root, join(work, 'files'), rebuild));
  const defines = [
    `_topdir ${work}/top`,
    'clamp_mtime_to_source_date_epoch 1',
    'use_source_date_epoch_as_buildtime 1',
    '_buildhost localhost',
  ].flatMap((d) => ['--define', d]);
  const args = [
    '-bb',
    '--quiet',
    '--nodebuginfo',
    '--noclean',
    '--buildroot',
    root,
    ...defines,
    join(work, 'package.spec'),
  ];
  const child = spawn('rpmbuild', args, {
    env: { ...process.env, SOURCE_DATE_EPOCH: buildTime },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let problem = '';
  child.stderr.on('data', (chunk: Buffer) => {
    problem += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`${deb}: rpmbuild: ${problem.trim().slice(-500)}`);
  for (const path of must('find', [join(work, 'top/RPMS'), '-name', '*.rpm'])
    .trim()
    .split('\n'))
    renameSync(path, join(out, path.slice(path.lastIndexOf('/') + 1)));
  rmSync(work, { recursive: true, force: true });
}

/** Builds on both cores. */
async function buildAll(debs: readonly string[], dir: string, out: string, rebuild?: Rebuild): Promise<void> {
  mkdirSync(out, { recursive: true });
  const queue = [...debs];
  const worker = async (id: number): Promise<void> => {
    for (let deb = queue.shift(); deb !== undefined; deb = queue.shift())
      await build(deb, join(dir, `work-${id}`), out, rebuild);
  };
  await Promise.all([worker(0), worker(1)]);
}

const cache = process.env['COPPICE_CACHE'] ?? join(import.meta.dirname, '../../.cache');

/** The folder, or undefined when it was not made yet. */
export function debianBase(): string | undefined {
  const key = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 16);
  const dir = join(cache, `debian-base-${key}`);
  return existsSync(join(dir, 'override')) ? dir : undefined;
}

async function make(): Promise<string> {
  const key = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 16);
  const dir = join(cache, `debian-base-${key}`);
  const partial = `${dir}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const base = download(partial, [...essential, ...wanted]);
  const inBase = new Set(base);
  const layers = download(partial, [...essential, ...wanted, ...layered]).filter((deb) => !inBase.has(deb));
  await buildAll(base, partial, join(partial, 'base'));
  await buildAll(layers, partial, join(partial, 'layers'));
  const bySize = [...base].sort((a, b) => statSync(a).size - statSync(b).size);
  const named = (deb: string): string => deb.slice(deb.lastIndexOf('/') + 1).replace(/_.*/, '');
  await buildAll(bySize.slice(0, 30), partial, join(partial, 'later'), { suffix: '.later' });
  await buildAll(
    base.filter((deb) => named(deb) === 'conmon'),
    partial,
    join(partial, 'override'),
    { suffix: '.override' },
  );
  for (const name of ['debs', 'status']) rmSync(join(partial, name), { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
  renameSync(partial, dir);
  return dir;
}

if (import.meta.main) {
  const there = debianBase();
  if (there === undefined && process.argv.includes('--cached')) {
    process.stderr.write('no Debian base yet; test/judges/debian-base.ts makes it\n');
    process.exitCode = 3;
  } else process.stdout.write(`${there ?? (await make())}\n`);
}
