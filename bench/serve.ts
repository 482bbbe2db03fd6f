// `coppice repo serve` beside nginx: requests per second and 99th percentile of many clients that fetch objects of the same
// repository, each over one connection that stays open. The load comes from wrk when it is installed, else from here.
//   --world DIR   repositories of bench/pull.ts (default: made anew)
//   --clients N   clients at a time (default 200)
//   --seconds N   length of a run (default 10)
//   --runs N      pairs (default 3)
//   --workers N   processes of each server (default 1)
//   --tls         over HTTPS, both with the same certificate
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { Agent as TlsAgent, get as tlsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeWorld, nginx } from './pull-world.ts';

const { values } = parseArgs({
  options: {
    world: { type: 'string' },
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '3' },
    workers: { type: 'string', default: '1' },
    tls: { type: 'boolean', default: false },
  },
});
const [clients, seconds, workers] = [Number(values.clients), Number(values.seconds), Number(values.workers)];
const base = mkdtempSync(join(tmpdir(), 'serve-bench-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));
const { archive } = makeWorld(values.world ?? join(base, 'world'), { tree: undefined, files: 0 });
const paths = spawnSync('find', ['objects', '-name', '*.filez', '-size', '-200k'], {
  cwd: archive,
  encoding: 'utf8',
  maxBuffer: 1 << 30,
})
  .stdout.trim()
  .split('\n')
  .slice(0, 5000);

interface Load {
  readonly rate: number;
  /** Milliseconds. */
  readonly p99: number;
}

const hasWrk = spawnSync('wrk', ['--version']).error === undefined;

async function load(url: string): Promise<Load> {
  return hasWrk ? wrk(url) : own(url);
}

function wrk(url: string): Load {
  const script = join(base, 'paths.lua');
  const list = paths.map((path) => `"/${path}"`).join(',');
  writeFileSync(
    script,
    `local paths = {${list}}\nlocal n = 0\nfunction request() n = n % #paths + 1 return wrk.format("GET", paths[n]) end\n
function done(summary, latency) io.write(string.format("RESULT %f %f %d\\n", summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1000, summary.errors.status + summary.errors.read + summary.errors.timeout)) end\n`,
  );
  const out = spawnSync('wrk', ['-t1', '--timeout', '30s', `-c${clients}`, `-d${seconds}s`, '-s', script, url], {
    encoding: 'utf8',
  });
  const [, rate, p99, errors] = /RESULT (\S+) (\S+) (\d+)/.exec(out.stdout) ?? [];
  if (rate === undefined || errors !== '0') throw new Error(`wrk: ${out.stdout}${out.stderr}`);
  return { rate: Number(rate), p99: Number(p99) };
}

async function own(url: string): Promise<Load> {
  const pool = { keepAlive: true, maxSockets: clients };
  const agent = values.tls ? new TlsAgent({ ...pool, rejectUnauthorized: false }) : new Agent(pool);
  const times: number[] = [];
  const start = performance.now();
  const one = (path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      (values.tls ? tlsGet : get)(`${url}/${path}`, { agent }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`));
        response.resume();
        response.on('end', resolve);
      }).on('error', reject);
    });
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = 0; performance.now() - start < seconds * 1000; i++) {
        const begun = performance.now();
        await one(paths[(client * 41 + i * 7) % paths.length]!);
        times.push(performance.now() - begun);
      }
    }),
  );
  const rate = times.length / ((performance.now() - start) / 1000);
  agent.destroy();
  times.sort((a, b) => a - b);
  return { rate, p99: times[Math.floor(times.length * 0.99)]! };
}

/** Of the kind that public certificate authorities give out: a key on the curve P-256. */
function certificate(): { cert: string; key: string } {
  const [cert, key] = [join(base, 'cert.pem'), join(base, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'];
  const made = spawnSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { cert, key };
}

const program = join(import.meta.dirname, '..', 'bin/coppice');
const tls = values.tls ? certificate() : undefined;
const tlsFlags = tls === undefined ? [] : ['--cert', tls.cert, '--key', tls.key];
const child = spawn(program, ['repo', 'serve', archive, '--workers', String(workers), ...tlsFlags], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => child.kill());
const ours = await new Promise<string>((resolve) =>
  child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim().replace(/\/$/, ''))),
);
const other = await nginx(base, archive, { workers, ...(tls === undefined ? {} : { tls }) });
process.on('exit', () => other?.stop());

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const [mine, theirs]: [Load[], Load[]] = [[], []];
await load(ours);
for (let run = 0; run < Number(values.runs); run++) {
  mine.push(await load(ours));
  if (other !== undefined) theirs.push(await load(other.url));
}
const line = (name: string, loads: readonly Load[]): string =>
  `${name}: ${median(loads.map((l) => l.rate)).toFixed(0)} requests/s, p99 ${median(loads.map((l) => l.p99)).toFixed(1)} ms`;
console.log(
  `${clients} clients, ${workers} process(es)${values.tls ? ', TLS' : ''}, load from ${hasWrk ? 'wrk' : 'this script'}`,
);
console.log(line('coppice repo serve', mine));
if (other === undefined) console.log('nginx is not installed: nothing to compare with');
else {
  console.log(line('nginx', theirs));
  const rate = median(mine.map((l, i) => l.rate / theirs[i]!.rate));
  const p99 = median(mine.map((l, i) => l.p99 / theirs[i]!.p99));
  console.log(`throughput ${rate.toFixed(2)} of nginx's, p99 ${p99.toFixed(2)} times nginx's`);
}
process.exit(0);
