// A folder to compose in: package repositories indexed by createrepo_c, an ostree repository made by the original, our
// rpm-ostree run in this process at a fixed time, and Debian's registry.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { worldPackage } from '@coppice/lab';
import { buildPackage, type FileSpec, type PackageSpec } from '@coppice/rpm';
import { articleWorld, Host, original, type Ran } from './rpm-ostree-support.ts';
import { freePort } from './tools.ts';

/** Time of all commits, seconds since the epoch. */
export const composeTime = 1_580_000_000;

export function simplePackage(name: string, files: FileSpec[], more: Partial<PackageSpec> = {}): PackageSpec {
  return {
    name,
    version: '1',
    release: '1',
    arch: 'noarch',
    summary: name,
    license: 'none',
    buildTime: composeTime,
    payload: { compressor: 'zstd', level: 1 },
    files,
    ...more,
  };
}

/** A text file of a package. */
export const textFile = (path: string, text: string, more: Partial<FileSpec> = {}): FileSpec => ({
  path,
  mode: 0o644,
  content: Buffer.from(text),
  ...more,
});

/** What every treefile here starts with; a tree of these packages can be deployed. */
export const bootable =
  'packages: [kernel, systemd, busybox, fedora-release-coreos]\ntmp-is-dir: true\nselinux: false\n';

export class ComposeFolder {
  readonly dir: string;
  readonly #host: Host;

  constructor(name: string, mode: 'archive' | 'bare' = 'archive') {
    this.dir = mkdtempSync(join(tmpdir(), `coppice-${name}-`));
    this.#host = new Host(this.dir);
    this.ostree('init', `--mode=${mode}`);
  }

  /** The packages of the article's world. */
  static world(what: 'base' | 'all' = 'all'): PackageSpec[] {
    const world = articleWorld();
    return [...world.base, ...(what === 'all' ? world.repository : [])].map((p) => worldPackage(world, p, 'stable'));
  }

  /** Indexes packages as repository `id`, with a `.repo` file; adds to what is there. */
  publish(id: string, packages: readonly PackageSpec[]): string {
    const yum = join(this.dir, `yum-${id}`);
    mkdirSync(yum, { recursive: true });
    for (const spec of packages) writeFileSync(join(yum, `${spec.name}.rpm`), buildPackage(spec).bytes());
    original('createrepo_c', '-q', yum);
    this.write(`${id}.repo`, `[${id}]\nbaseurl=file://${yum}\n`);
    return yum;
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.dir, name), 'utf8');
  }

  async rpmOstree(...args: string[]): Promise<Ran> {
    return await this.#host.rpmOstree(args, { SOURCE_DATE_EPOCH: String(composeTime) });
  }

  /** Standard output of a call that must succeed. */
  async must(...args: string[]): Promise<string> {
    const ran = await this.rpmOstree(...args);
    if (ran.status !== 0) throw new Error(`rpm-ostree ${args.join(' ')}: ${ran.status}\n${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  }

  /** Composes a treefile into the repository. */
  async tree(...args: string[]): Promise<Ran> {
    return await this.rpmOstree('compose', 'tree', '--repo=repo', '--cachedir=cache', ...args);
  }

  ostree(...args: string[]): string {
    return original('/usr/bin/ostree', `--repo=${join(this.dir, 'repo')}`, ...args);
  }

  end(): void {
    this.#host.end();
  }
}

/** A registry on the loopback whose log counts what it sends. */
export class TestRegistry {
  readonly host: string;
  readonly #process: ChildProcess;
  readonly #log: string;

  private constructor(host: string, child: ChildProcess, log: string) {
    this.host = host;
    this.#process = child;
    this.#log = log;
  }

  /** Serves from a folder `name` of `dir`; with a password only to `me`. */
  static async start(dir: string, name = 'registry', password?: string): Promise<TestRegistry> {
    const host = `127.0.0.1:${await freePort()}`;
    const at = (suffix: string): string => join(dir, `${name}${suffix}`);
    if (password !== undefined) {
      const hash = original('perl', '-e', `print crypt("${password}", '$2b$05$abcdefghijklmnopqrstuu')`);
      writeFileSync(at('.htpasswd'), `me:${hash}\n`);
    }
    writeFileSync(
      at('.yml'),
      `version: 0.1\nlog: {level: info, formatter: json}\nstorage: {filesystem: {rootdirectory: ${at('')}}}\nhttp: {addr: '${host}'}\n` +
        (password === undefined ? '' : `auth: {htpasswd: {realm: lab, path: ${at('.htpasswd')}}}\n`),
    );
    const log = at('.log');
    const fd = openSync(log, 'w');
    const child = spawn('docker-registry', ['serve', at('.yml')], { stdio: ['ignore', fd, fd] });
    closeSync(fd);
    for (;;) {
      try {
        const { status } = await fetch(`http://${host}/v2/`);
        if (status === (password === undefined ? 200 : 401)) break;
      } catch {}
    }
    return new TestRegistry(host, child, log);
  }

  /** Bytes of blobs sent so far. */
  sent(): number {
    let sum = 0;
    for (const line of readFileSync(this.#log, 'utf8').split('\n')) {
      if (!line.startsWith('{')) continue;
      const entry = JSON.parse(line) as Record<string, unknown>;
      if (entry['http.request.method'] === 'GET' && String(entry['http.request.uri']).includes('/blobs/'))
        sum += entry['msg'] === 'response completed' ? Number(entry['http.response.written'] ?? 0) : 0;
    }
    return sum;
  }

  stop(): void {
    this.#process.kill();
  }
}
