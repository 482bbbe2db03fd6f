// What bench/pull.ts and bench/serve.ts work on: repositories made by the original, and servers in front of them.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export interface World {
  /** An archive repository with the refs `real`, `new` (an update of it) and `small`. */
  readonly archive: string;
  /** A bare repository with `real` and `small`. */
  readonly bare: string;
  /** Commits of `real` and `new`. */
  readonly from: string;
  readonly to: string;
  readonly refs: readonly string[];
  /** Where the trees come from. */
  readonly trees: string;
}

export const ostree = (...args: string[]): string => {
  const done = spawnSync('ostree', args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (done.status !== 0) throw new Error(`ostree ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
};

/** A tree of about the size of debootstrap's, from what is installed here. */
function installedTree(base: string): string {
  const out = join(base, 'tree');
  let files = 0;
  let kilobytes = 0;
  for (const from of ['/usr/lib', '/usr/share']) {
    for (const name of readdirSync(from).sort()) {
      if (files > 9000) break;
      const source = join(from, name);
      if (!lstatSync(source).isDirectory()) continue;
      const size = Number.parseInt(spawnSync('du', ['-sk', source], { encoding: 'utf8' }).stdout, 10);
      if (kilobytes + size > 300_000) continue;
      kilobytes += size;
      cpSync(source, join(out, from, name), { recursive: true, verbatimSymlinks: true });
      files += Number(spawnSync('sh', ['-c', 'find "$0" | wc -l', source], { encoding: 'utf8' }).stdout);
    }
  }
  return out;
}

/** Stands in for an update where Debian's own cannot be fetched: rebuilt programs keep most bytes, addresses shift. */
function rebuilt(base: string, tree: string): string {
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
    const more = Buffer.from(`rebuilt ${i}\n`.repeat(1 + (i % 9)));
    const bytes = Buffer.concat([old.subarray(0, 4000), more, old.subarray(4000)]);
    for (let at = 8192; at + 8 < bytes.length; at += 4096 + ((at * 7 + i) % 9000))
      bytes.writeUInt32LE((bytes.readUInt32LE(at) + 64) >>> 0, at);
    writeFileSync(path, bytes);
  }
  return out;
}

function smallFiles(base: string, count: number): string {
  const out = join(base, 'small');
  for (let i = 0; i < count; i++) {
    const dir = join(out, String(i % 500));
    if (i < 500) mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `f${i}`), `file ${i} ${'y'.repeat(i % 300)}\n`);
  }
  return out;
}

/** Makes the repositories below `base`, or takes what an earlier run left there. */
export function makeWorld(base: string, options: { tree: string | undefined; files: number }): World {
  const [archive, bare, note] = [join(base, 'archive'), join(base, 'bare'), join(base, 'trees.txt')];
  if (!existsSync(note)) {
    mkdirSync(base, { recursive: true });
    for (const repo of [archive, bare]) {
      rmSync(repo, { recursive: true, force: true });
      ostree('init', `--repo=${repo}`, `--mode=${repo === archive ? 'archive' : 'bare'}`);
    }
    let [before, after, trees] = ['', '', ''];
    const pair = spawnSync('bash', [join(root, 'test/judges/update-pair.sh'), '--cached'], { encoding: 'utf8' });
    if (options.tree === undefined && pair.status === 0) {
      [before, after] = [join(pair.stdout.trim(), 'before'), join(pair.stdout.trim(), 'after')];
      trees = 'Debian 12 before and after an update of 40 packages';
    } else {
      before = options.tree ?? installedTree(base);
      after = rebuilt(base, before);
      trees = `${options.tree ?? 'part of /usr'}, and with 120 programs changed as a rebuild changes them`;
    }
    for (const repo of [archive, bare]) ostree(`--repo=${repo}`, 'commit', '-b', 'real', '--timestamp=@1', before);
    const parent = ostree(`--repo=${archive}`, 'rev-parse', 'real');
    ostree(`--repo=${archive}`, 'commit', '-b', 'new', '--timestamp=@2', `--parent=${parent}`, after);
    if (options.files > 0) {
      const small = smallFiles(base, options.files);
      for (const repo of [archive, bare]) ostree(`--repo=${repo}`, 'commit', '-b', 'small', '--timestamp=@1', small);
      rmSync(small, { recursive: true });
    }
    ostree(`--repo=${archive}`, 'static-delta', 'generate', `--from=${parent}`, '--to=new');
    ostree(`--repo=${archive}`, 'summary', '-u');
    writeFileSync(note, trees);
  }
  const refs = ostree(`--repo=${bare}`, 'refs').split('\n').sort();
  return {
    archive,
    bare,
    from: ostree(`--repo=${archive}`, 'rev-parse', 'real'),
    to: ostree(`--repo=${archive}`, 'rev-parse', 'new'),
    refs,
    trees: readFileSync(note, 'utf8'),
  };
}

/** The original's test server in front of a repository; it ends with this process's folder. Gives the address. */
export function trivialHttpd(base: string, repo: string): string {
  const at = join(base, 'www');
  mkdirSync(at, { recursive: true });
  symlinkSync(repo, join(at, 'repo'));
  const port = join(base, 'port');
  spawnSync('/usr/libexec/libostree/ostree-trivial-httpd', ['--autoexit', '--daemonize', '-p', port], { cwd: at });
  return `http://127.0.0.1:${readFileSync(port, 'utf8').trim()}/repo`;
}

/** nginx with one worker in front of a repository; undefined when it is not installed. */
export async function nginx(
  base: string,
  repo: string,
  options: { workers?: number; tls?: { cert: string; key: string } } = {},
): Promise<{ readonly url: string; stop(): void } | undefined> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return undefined;
  const port = await freePort();
  const { tls } = options;
  const conf = join(base, `nginx-${port}.conf`);
  writeFileSync(
    conf,
    `user root; worker_processes ${options.workers ?? 1}; daemon off; pid ${base}/nginx-${port}.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  server { listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'}; root ${repo};
    ${tls === undefined ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`} } }
`,
  );
  const child = spawn('nginx', ['-c', conf], { stdio: 'ignore' });
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100 && !(await listens(port)); tries++) await new Promise((done) => setTimeout(done, 50));
  return { url, stop: () => child.kill() };
}

async function listens(port: number): Promise<boolean> {
  const { connect } = await import('node:net');
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
    socket.on('connect', () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
