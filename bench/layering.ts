// How long layering takes: cold, and again with what the first run left behind.
//   node --conditions=source bench/layering.ts [--packages N] [--universe N] [--dir DIR] [--package NAME,...] [--debian]
// --debian takes the packages that test/judges/debian-base.ts makes, and layers buildah and tcpdump by default. Repositories
// are served over HTTP. After the runs with the small repository alone come those with a second one beside it, of the size of
// Fedora's (--universe, 60,000 packages by default with --debian). Cold drops our caches only (repository metadata, imported
// packages, commits put together before); the page cache stays warm. Every install starts from the same two deployments: the
// base, and the one with the layers that the step before removed. Phases are measured from the progress events of the
// transaction. What is in DIR already (base, universe) is used again.
import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hostFs, removeTree } from '@coppice/linux';
import { HelperThread } from '@coppice/ostree';
import {
  baseOf,
  Client,
  cacheDir,
  changePackages,
  cleanupBase,
  cleanupRepoMetadata,
  composeCommit,
  deployOrigin,
  emptyOrigin,
  originKeyFile,
  parseRefspec,
  typeTreefile,
  withTransaction,
} from '@coppice/rpm-ostree';
import { deployTree, initFs, initStateroot, Origin, Sysroot, simpleWriteDeployment } from '@coppice/sysroot';
import { debianWorld, makeLayeringWorld } from './layering-world.ts';
import { writeUniverse } from './rpm-universe.ts';

const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '160' },
    universe: { type: 'string' },
    dir: { type: 'string' },
    package: { type: 'string' },
    debian: { type: 'boolean', default: false },
  },
});
const dir = resolve(values.dir ?? mkdtempSync(join(tmpdir(), 'bench-layering-')));
const universe = Number(values.universe ?? (values.debian ? '60000' : '0'));
const sysrootPath = join(dir, 'sysroot');
const repository = join(dir, 'repository');
/** As the command has one; its start, some 30 ms of the other processor, falls into the first run. */
const helper = new HelperThread();
const names = (values.package ?? (values.debian ? 'buildah,tcpdump' : 'small')).split(',');

interface Run {
  readonly total: number;
  /** Milliseconds of processor time, without those of scripts. */
  readonly cpu: number;
  readonly phases: ReadonlyMap<string, number>;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2).padStart(6);
}

/** The base composed and deployed; what `dir` holds already stays. */
async function makeSystem(): Promise<void> {
  if (statSync(join(sysrootPath, 'ostree/boot.0'), { throwIfNoEntry: false }) !== undefined) return;
  if (statSync(join(sysrootPath, 'ostree/boot.1'), { throwIfNoEntry: false }) !== undefined) return;
  const world = values.debian ? debianWorld(dir) : makeLayeringWorld(dir, Number(values.packages));
  mkdirSync(sysrootPath, { recursive: true });
  initFs(sysrootPath);
  let sysroot = Sysroot.open(sysrootPath, { fs: hostFs });
  initStateroot(sysroot, 'bench');
  const { repo } = sysroot;
  repo.config.setString('sysroot', 'bootloader', 'none');
  repo.writeConfig();
  const start = performance.now();
  const composed = await composeCommit({
    repo,
    packages: world.base,
    treefile: typeTreefile({ ref: 'bench/base', 'tmp-is-dir': true }),
    timestamp: 1_580_000_000,
    version: '1',
    scratch: join(dir, 'scratch'),
  });
  console.log(`base: ${composed.packages.length} packages, composed in ${seconds(performance.now() - start)} s`);
  sysroot = Sysroot.open(sysrootPath, { fs: hostFs });
  const origin = new Origin(originKeyFile({ ...emptyOrigin, refspec: parseRefspec('bench/base') }));
  const first = deployTree(sysroot, 'bench', composed.commit, origin, { kernelArguments: ['root=LABEL=root'] });
  simpleWriteDeployment(sysroot, first, { osname: 'bench' });
}

/** Says which repositories are enabled, in the deployment that is configured next. */
function enableRepositories(url: string, ids: readonly string[]): void {
  const client = Client.open({ sysroot: sysrootPath, env: process.env });
  const repos = join(client.sysroot.deploymentPath(client.originMerge), 'etc/yum.repos.d');
  mkdirSync(repos, { recursive: true });
  const text = ids.map((id) => `[${id}]\nname=${id}\nbaseurl=${url}/${id}\ngpgcheck=0\n`);
  writeFileSync(join(repos, 'bench.repo'), text.join('\n'));
}

/** One install or uninstall from the state the system is in; time between events counts for the step that ended. */
async function change(install: readonly string[], uninstall: readonly string[]): Promise<Run> {
  const phases = new Map<string, number>();
  let last = performance.now();
  const start = last;
  const cpuStart = process.cpuUsage();
  const mark = (name: string): void => {
    const now = performance.now();
    phases.set(name, (phases.get(name) ?? 0) + now - last);
    last = now;
  };
  const client = Client.open({
    sysroot: sysrootPath,
    env: process.env,
    helper,
    progress(event) {
      if (event.type === 'begin') mark('between steps');
      else if (event.type === 'end') mark(event.step.replace(/ [0-9a-f]{7}$/, ''));
    },
  });
  await withTransaction(client, 'bench', async () => {
    const previous = client.originMerge;
    const next = changePackages(client, client.origin(previous), baseOf(client.repo, previous.checksum), {
      install,
      uninstall,
    });
    return await deployOrigin(client, { origin: next, pull: false, cacheOnly: install.length === 0 });
  });
  mark('deploy and clean up');
  const { user, system } = process.cpuUsage(cpuStart);
  return { total: performance.now() - start, cpu: (user + system) / 1000, phases };
}

function dropCaches(): void {
  const client = Client.open({ sysroot: sysrootPath, env: process.env });
  cleanupRepoMetadata(cacheDir(client));
  for (const ref of client.repo.listRefs('rpmostree/pkg').keys()) client.repo.setRef(ref, null);
  cleanupBase(client, false);
}

function report(title: string, runs: readonly (readonly [string, Run])[]): void {
  const steps = [...new Set(runs.flatMap(([, r]) => [...r.phases.keys()]))];
  console.log(`${title}:`.padEnd(44) + runs.map(([label]) => label.padStart(16)).join(''));
  for (const step of steps)
    console.log(
      `  ${step}`.padEnd(44) +
        runs
          .map(([, r]) => {
            const ms = r.phases.get(step) ?? 0;
            return `${seconds(ms)} s ${String(Math.round((100 * ms) / r.total)).padStart(3)} %`.padStart(16);
          })
          .join(''),
    );
  console.log('  total'.padEnd(44) + runs.map(([, r]) => `${seconds(r.total)} s      `.padStart(16)).join(''));
  console.log('  processor'.padEnd(44) + runs.map(([, r]) => `${seconds(r.cpu)} s      `.padStart(16)).join(''));
  const [cold, second, third] = runs.map(([, r]) => r.total) as [number, number, number];
  console.log(
    `second/cold ${(second / cold).toFixed(2)}, third/cold ${(third / cold).toFixed(2)} (aim: second at most 0.40)`,
  );
}

async function measure(title: string): Promise<void> {
  const runs: [string, Run][] = [];
  await change(names, []);
  for (const label of ['cold', 'second', 'third']) {
    await change([], names);
    if (label === 'cold') dropCaches();
    runs.push([label, await change(names, [])]);
  }
  await change([], names);
  report(title, runs);
}

await makeSystem();
const folders: Record<string, string> = { bench: repository, universe: join(dir, 'universe') };
if (universe > 0 && statSync(join(folders['universe']!, 'repodata'), { throwIfNoEntry: false }) === undefined)
  writeUniverse(folders['universe']!, universe);
const server = createServer((request, response) => {
  const [id = '', ...path] = decodeURIComponent(request.url ?? '/')
    .slice(1)
    .split('/');
  const file = join(folders[id] ?? dir, ...path.filter((p) => p !== '..'));
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) response.writeHead(404).end();
  else createReadStream(file).pipe(response.writeHead(200, { 'content-length': size }));
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
try {
  enableRepositories(url, ['bench']);
  await measure(`install ${names.join(' ')}`);
  if (universe > 0) {
    enableRepositories(url, ['bench', 'universe']);
    await measure(`with a repository of ${universe} packages`);
  }
} finally {
  helper.close();
  server.closeAllConnections();
  server.close();
}
if (values.dir === undefined) {
  removeTree(dir);
  rmSync(dir, { recursive: true, force: true });
}
