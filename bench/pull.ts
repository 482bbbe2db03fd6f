// Moving commits with bin/ostree against the original: median ratios over paired runs, with peak memory.
//   --tree DIR    a real tree, such as debootstrap makes (default: one is made from /usr/share and /usr/lib)
//   --files N     size of the tree of small files (default 100,000; 0 leaves it out)
//   --runs N      pairs (default 5)
//   --only WORD   cases whose name contains it
//   --clients N   clients at a time against `coppice repo serve` (default 200; 0 leaves it out)
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    tree: { type: 'string' },
    files: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    clients: { type: 'string', default: '200' },
  },
});
const runs = Number(values.runs);
const root = join(import.meta.dirname, '..');
const programs = { original: 'ostree', ours: join(root, 'bin/ostree') } as const;
type Side = keyof typeof programs;
const base = mkdtempSync(join(tmpdir(), 'pull-bench-'));
const children: ChildProcess[] = [];
process.on('exit', () => {
  for (const child of children) child.kill();
  rmSync(base, { recursive: true, force: true });
});

interface Run {
  readonly seconds: number;
  /** Peak resident MiB. */
  readonly memory: number;
}

function measure(side: Side, args: string[]): Run {
  const out = join(base, 'time');
  const env = { ...process.env, COPPICE_COMPAT: 'ostree=2022.7' };
  const done = spawnSync('/usr/bin/time', ['-o', out, '-f', '%e %M', programs[side], ...args], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  if (done.error !== undefined) throw new Error('this needs GNU time (/usr/bin/time)');
  if (done.status !== 0) throw new Error(`${side} ${args.join(' ')}: ${done.stderr}`);
  const [wall, peak] = readFileSync(out, 'utf8').trim().split(' ').map(Number) as [number, number];
  return { seconds: Math.max(wall, 0.01), memory: peak / 1024 };
}

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const ostree = (...args: string[]): string => {
  const done = spawnSync('ostree', args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (done.status !== 0) throw new Error(`ostree ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
};

/** One case: `before` runs untimed for each side, then the timed command. */
function bench(name: string, limit: number, args: (side: Side) => string[], before: (side: Side) => void): void {
  if (!name.includes(values.only)) return;
  const ratios: number[] = [];
  const result: Record<Side, Run[]> = { original: [], ours: [] };
  for (let i = 0; i < runs; i++) {
    const order: Side[] = i % 2 === 0 ? ['original', 'ours'] : ['ours', 'original'];
    const pair = {} as Record<Side, Run>;
    for (const side of order) {
      before(side);
      spawnSync('sync');
      pair[side] = measure(side, args(side));
      result[side].push(pair[side]);
    }
    ratios.push(pair.ours.seconds / pair.original.seconds);
  }
  const ratio = median(ratios);
  const time = (side: Side): string => `${median(result[side].map((r) => r.seconds)).toFixed(2)} s`;
  const peak = Math.max(...result.ours.map((r) => r.memory)).toFixed(0);
  const verdict = ratio <= limit ? 'ok' : 'OVER';
  console.log(
    `${name.padEnd(38)} ${ratio.toFixed(2)} (aim ${limit}) ${verdict.padEnd(4)} ${time('original')} -> ${time('ours')}  peak ${peak} MiB`,
  );
}

const target = join(base, 'target');
function fresh(mode: string, url?: string): void {
  rmSync(target, { recursive: true, force: true });
  ostree('init', `--repo=${target}`, `--mode=${mode}`);
  if (url !== undefined) ostree(`--repo=${target}`, 'remote', 'add', '--no-sign-verify', 'origin', url);
}

function realTree(): string {
  if (values.tree !== undefined) return values.tree;
  const out = join(base, 'tree');
  let files = 0;
  let kilobytes = 0;
  for (const from of ['/usr/lib', '/usr/share']) {
    for (const name of readdirSync(from).sort()) {
      if (files > 9000) break;
      const source = join(from, name);
      if (!lstatSync(source).isDirectory()) continue;
      const size = Number.parseInt(spawnSync('du', ['-sk', source], { encoding: 'utf8' }).stdout, 10);
      // About what debootstrap makes, and nothing that is larger than all of it.
      if (kilobytes + size > 300_000) continue;
      kilobytes += size;
      cpSync(source, join(out, from, name), { recursive: true, verbatimSymlinks: true });
      files += Number(spawnSync('sh', ['-c', 'find "$0" | wc -l', source], { encoding: 'utf8' }).stdout);
    }
  }
  return out;
}

function smallFiles(count: number): string {
  const out = join(base, 'small');
  for (let i = 0; i < count; i++) {
    const dir = join(out, String(i % 500));
    if (i < 500) mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `f${i}`), `file ${i} ${'y'.repeat(i % 300)}\n`);
  }
  return out;
}

/** What an update of some packages does to a tree: rebuilt programs keep most of their bytes, some are moved or replaced. */
function update(tree: string): string {
  const out = join(base, 'updated');
  cpSync(tree, out, { recursive: true, verbatimSymlinks: true });
  const found = spawnSync('find', [out, '-type', 'f', '-size', '+60k', '-size', '-6000k'], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .sort();
  const step = Math.max(1, Math.floor(found.length / 120));
  for (let i = 0; i < found.length; i += step) {
    const path = found[i]!;
    const old = readFileSync(path);
    const bytes = Buffer.concat([
      old.subarray(0, 4000),
      Buffer.from(`rebuilt ${i}\n`.repeat(1 + (i % 9))),
      old.subarray(4000),
    ]);
    for (let at = 8192; at + 8 < bytes.length; at += 4096 + ((at * 7 + i) % 9000))
      bytes.writeUInt32LE((bytes.readUInt32LE(at) + 64) >>> 0, at);
    writeFileSync(path, bytes);
  }
  return out;
}

/** The original's server in front of a folder; gives its address. */
function serve(dir: string): string {
  const at = join(base, 'www');
  mkdirSync(at, { recursive: true });
  if (!existsSync(join(at, 'repo'))) symlinkSync(dir, join(at, 'repo'));
  const port = join(base, 'port');
  spawnSync('/usr/libexec/libostree/ostree-trivial-httpd', ['--autoexit', '--daemonize', '-p', port], { cwd: at });
  return `http://127.0.0.1:${readFileSync(port, 'utf8').trim()}/repo`;
}

const tree = realTree();
const archive = join(base, 'archive');
const bare = join(base, 'bare');
for (const [repo, mode] of [
  [archive, 'archive'],
  [bare, 'bare'],
] as const) {
  ostree('init', `--repo=${repo}`, `--mode=${mode}`);
  ostree(`--repo=${repo}`, 'commit', '-b', 'real', '--timestamp=@1', tree);
}
const updated = update(tree);
ostree(
  `--repo=${archive}`,
  'commit',
  '-b',
  'new',
  '--timestamp=@2',
  `--parent=${ostree(`--repo=${archive}`, 'rev-parse', 'real')}`,
  updated,
);
if (Number(values.files) > 0) {
  const small = smallFiles(Number(values.files));
  ostree(`--repo=${archive}`, 'commit', '-b', 'small', '--timestamp=@1', small);
  ostree(`--repo=${bare}`, 'commit', '-b', 'small', '--timestamp=@1', small);
}
const url = serve(archive);
const [from, to] = [ostree(`--repo=${archive}`, 'rev-parse', 'real'), ostree(`--repo=${archive}`, 'rev-parse', 'new')];

const refs = Number(values.files) > 0 ? ['real', 'small'] : ['real'];
for (const ref of refs) {
  bench(
    `pull archive to bare-user, ${ref}`,
    0.7,
    () => [`--repo=${target}`, 'pull', '--disable-static-deltas', 'origin', ref],
    () => fresh('bare-user', url),
  );
  bench(
    `pull-local bare to bare, ${ref}`,
    0.8,
    () => [`--repo=${target}`, 'pull-local', bare, ref],
    () => fresh('bare'),
  );
}

const deltaFile = (side: Side): string => join(base, `delta-${side}`, 'superblock');
bench(
  'generate delta',
  0.6,
  (side) => [
    `--repo=${archive}`,
    'static-delta',
    'generate',
    `--from=${from}`,
    `--to=${to}`,
    `--filename=${deltaFile(side)}`,
  ],
  (side) => {
    rmSync(join(base, `delta-${side}`), { recursive: true, force: true });
    mkdirSync(join(base, `delta-${side}`));
  },
);
const sizeOf = (side: Side): number => {
  const dir = join(base, `delta-${side}`);
  return existsSync(dir) ? readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0) : 0;
};
if (sizeOf('ours') > 0)
  console.log(
    `${'size of the delta'.padEnd(38)} ${(sizeOf('ours') / sizeOf('original')).toFixed(3)} (aim 1.02)  ${sizeOf('original')} -> ${sizeOf('ours')} bytes`,
  );
if ('pull with delta'.includes(values.only) || values.only === '') {
  ostree(`--repo=${archive}`, 'static-delta', 'generate', `--from=${from}`, `--to=${to}`);
  ostree(`--repo=${archive}`, 'summary', '-u');
  bench(
    'pull with delta',
    0.8,
    () => [`--repo=${target}`, 'pull', '--require-static-deltas', 'origin', 'new'],
    () => {
      fresh('bare-user', url);
      ostree(`--repo=${target}`, 'pull-local', archive, 'real');
      ostree(`--repo=${target}`, 'refs', '--create=origin:new', 'real');
      ostree(`--repo=${target}`, 'refs', '--delete', 'real');
    },
  );
}

/** Requests per second and 99th percentile of many clients that each fetch objects one after the other. */
async function load(
  address: string,
  paths: readonly string[],
  clients: number,
): Promise<{ rate: number; p99: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = 0; i < 40; i++) {
        const begun = performance.now();
        await new Promise<void>((resolve, reject) => {
          get(`${address}/${paths[(client * 41 + i * 7) % paths.length]}`, { agent }, (response) => {
            response.resume();
            response.on('end', resolve);
          }).on('error', reject);
        });
        times.push(performance.now() - begun);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  return { rate: times.length / seconds, p99: times[Math.floor(times.length * 0.99)]! };
}

const clients = Number(values.clients);
if (clients > 0 && ('serve'.includes(values.only) || values.only === '')) {
  const child = spawn(join(root, 'bin/coppice'), ['repo', 'serve', archive], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const address = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim().replace(/\/$/, ''))),
  );
  const paths = spawnSync('find', ['objects', '-name', '*.filez', '-size', '-40k'], { cwd: archive, encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  const ours = await load(address, paths, clients);
  console.log(`serve, ${clients} clients: ${ours.rate.toFixed(0)} requests/s, p99 ${ours.p99.toFixed(0)} ms`);
  const nginx = spawnSync('nginx', ['-v']).error === undefined;
  if (nginx) {
    const conf = join(base, 'nginx.conf');
    writeFileSync(
      conf,
      `worker_processes 1; daemon off; pid ${base}/nginx.pid; error_log /dev/null; events { worker_connections 1024; } http { access_log off; server { listen 127.0.0.1:18999; root ${archive}; } }\n`,
    );
    children.push(spawn('nginx', ['-c', conf], { stdio: 'ignore' }));
    await new Promise((done) => setTimeout(done, 500));
    const theirs = await load('http://127.0.0.1:18999', paths, clients);
    console.log(
      `nginx: ${theirs.rate.toFixed(0)} requests/s, p99 ${theirs.p99.toFixed(0)} ms; ratio ${(ours.rate / theirs.rate).toFixed(2)}, p99 ${(ours.p99 / theirs.p99).toFixed(2)}`,
    );
  } else console.log('nginx is not installed: nothing to compare with');
  child.kill();
}
