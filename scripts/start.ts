// npm start: plays the article from beginning to end on instances of a lab made on the spot, printing each command and
// its real output, and leaves the instances to explore.
import { spawn } from 'node:child_process';
import { existsSync, globSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { articleSteps, onTerminal, playStep, setStage } from '../test/journey/article.ts';
import { bundle } from './build.ts';

const root = join(import.meta.dirname, '..');
// The commands are all that is needed here; `npm run build` also makes the libraries' declarations.
const cli = join(root, 'packages/coppice/dist/cli');
if (process.env['COPPICE_DIST'] === undefined && isStale(join(cli, 'stamp'))) await bundle(cli);

function isStale(stamp: string): boolean {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return globSync('packages/*/src/**/*.ts', { cwd: root }).some((file) => statSync(join(root, file)).mtimeMs > built);
}

const dir =
  process.env['COPPICE_START_DIR'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coppice', 'start');
await clear();
const stage = setStage(dir, { COPPICE_ERA: process.env['COPPICE_ERA'] ?? '2020' });
const begun = performance.now();

/** Removes what an earlier run left. Instances may hold files of other user ids: `coppice` knows how to remove those. */
async function clear(): Promise<void> {
  const instances = join(dir, 'data/coppice/instances');
  if (existsSync(instances)) {
    const old = setStage(dir);
    for (const name of readdirSync(instances)) await onTerminal(old, ['coppice', 'instance', 'delete', name]);
  }
  rmSync(dir, { recursive: true, force: true });
}

async function show(command: string): Promise<void> {
  console.log(`$ ${command}`);
  const { status, lines } = await onTerminal(stage, ['sh', '-c', command]);
  for (const line of lines) console.log(line);
  if (status !== 0) {
    console.error(`error: ${command}: exit status ${status}`);
    process.exit(1);
  }
}

console.log('# A lab: packages, repositories, signed streams, made on the spot');
await show('coppice lab init lab');
const server = spawn('coppice', ['lab', 'serve', 'lab'], {
  cwd: dir,
  env: stage.env,
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => server.kill());
console.log('$ coppice lab serve lab &');
await new Promise<void>((resolve, reject) => {
  server.on('exit', () => reject(new Error('coppice lab serve ended')));
  server.stdout.once('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    resolve();
  });
});

let chapter = '';
let unexpected = 0;
for (const step of articleSteps()) {
  if (step.chapter !== chapter) {
    chapter = step.chapter;
    console.log(`\n# ${chapter}`);
  }
  if (step.note !== undefined) console.log(`# ${step.note}`);
  console.log(step.where === 'host' ? `$ ${step.command}` : `[root@${step.machine} /]# ${step.command}`);
  const { status, lines } = await playStep(stage, step);
  for (const line of lines) console.log(line);
  if (status !== (step.status ?? 0)) {
    console.log(`# exit status ${status}, expected ${step.status ?? 0}`);
    unexpected++;
  }
}
server.removeAllListeners('exit');
server.kill();
console.log(`
Played in ${((performance.now() - begun) / 1000).toFixed(0)} s. The instances are still there; look around with
  export XDG_DATA_HOME=${join(dir, 'data')} PATH=${join(root, 'bin')}:$PATH
  coppice instance list
  coppice instance shell fcos
  coppice instance exec fcos -- ostree log fedora:fedora/x86_64/coreos/testing`);
process.exitCode = unexpected === 0 ? 0 : 1;
