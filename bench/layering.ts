// How long layering takes: cold, and again with what the first run left behind.
//   node --conditions=source bench/layering.ts [--packages N] [--dir DIR] [--package NAME,...] [--debian]
// --debian takes the packages that test/judges/debian-base.ts makes, and layers buildah and tcpdump by default. Cold drops our
// caches only (repository metadata, imported packages); the page cache stays warm. Every install starts from the same two
// deployments: the base, and the one with the layers that the step before removed. Phases are measured from the progress
// events of the transaction.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hostFs, removeTree } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
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

const { values } = parseArgs({
  options: {
    packages: { type: 'string', default: '160' },
    dir: { type: 'string' },
    package: { type: 'string' },
    debian: { type: 'boolean', default: false },
  },
});
const dir = values.dir ?? mkdtempSync(join(tmpdir(), 'bench-layering-'));
mkdirSync(dir, { recursive: true });

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2).padStart(6);
}

const world = values.debian ? debianWorld(dir) : makeLayeringWorld(dir, Number(values.packages));
const sysrootPath = join(dir, 'sysroot');
mkdirSync(sysrootPath, { recursive: true });
initFs(sysrootPath);
let sysroot = Sysroot.open(sysrootPath, { fs: hostFs });
initStateroot(sysroot, 'bench');
const repo: Repo = sysroot.repo;
repo.config.setString('sysroot', 'bootloader', 'none');
repo.writeConfig();
const composeStart = performance.now();
const composed = await composeCommit({
  repo,
  packages: world.base,
  treefile: typeTreefile({ ref: 'bench/base', 'tmp-is-dir': true }),
  timestamp: 1_580_000_000,
  version: '1',
  scratch: join(dir, 'scratch'),
});
console.log(`base: ${composed.packages.length} packages, composed in ${seconds(performance.now() - composeStart)} s`);

sysroot = Sysroot.open(sysrootPath, { fs: hostFs });
const origin = new Origin(originKeyFile({ ...emptyOrigin, refspec: parseRefspec('bench/base') }));
const first = deployTree(sysroot, 'bench', composed.commit, origin, { kernelArguments: ['root=LABEL=root'] });
const repos = join(sysroot.deploymentPath(first), 'etc/yum.repos.d');
mkdirSync(repos, { recursive: true });
writeFileSync(join(repos, 'bench.repo'), `[bench]\nname=bench\nbaseurl=file://${world.repository}\ngpgcheck=0\n`);
simpleWriteDeployment(sysroot, first, { osname: 'bench' });

interface Run {
  readonly total: number;
  readonly phases: ReadonlyMap<string, number>;
}

/** One install or uninstall from the state the system is in; time between events counts for the step that ended. */
async function change(install: readonly string[], uninstall: readonly string[]): Promise<Run> {
  const phases = new Map<string, number>();
  let last = performance.now();
  const start = last;
  const mark = (name: string): void => {
    const now = performance.now();
    phases.set(name, (phases.get(name) ?? 0) + now - last);
    last = now;
  };
  const client = Client.open({
    sysroot: sysrootPath,
    env: process.env,
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
  return { total: performance.now() - start, phases };
}

function dropCaches(): void {
  const client = Client.open({ sysroot: sysrootPath, env: process.env });
  cleanupRepoMetadata(cacheDir(client));
  for (const ref of client.repo.listRefs('rpmostree/pkg').keys()) client.repo.setRef(ref, null);
  cleanupBase(client, false);
}

const names = (values.package ?? (values.debian ? 'buildah,tcpdump' : 'small')).split(',');
const runs: [string, Run][] = [];
await change(names, []);
for (const label of ['cold', 'second', 'third']) {
  await change([], names);
  if (label === 'cold') dropCaches();
  runs.push([label, await change(names, [])]);
}
const steps = [...new Set(runs.flatMap(([, r]) => [...r.phases.keys()]))];
console.log(`install ${names.join(' ')}:`.padEnd(34) + runs.map(([label]) => label.padStart(16)).join(''));
for (const step of steps)
  console.log(
    `  ${step}`.padEnd(34) +
      runs
        .map(([, r]) => {
          const ms = r.phases.get(step) ?? 0;
          return `${seconds(ms)} s ${String(Math.round((100 * ms) / r.total)).padStart(3)} %`.padStart(16);
        })
        .join(''),
  );
console.log('  total'.padEnd(34) + runs.map(([, r]) => `${seconds(r.total)} s      `.padStart(16)).join(''));
const [cold, second, third] = runs.map(([, r]) => r.total) as [number, number, number];
console.log(
  `second/cold ${(second / cold).toFixed(2)}, third/cold ${(third / cold).toFixed(2)} (aim: second at most 0.40)`,
);
if (values.dir === undefined) {
  removeTree(dir);
  rmSync(dir, { recursive: true, force: true });
}
