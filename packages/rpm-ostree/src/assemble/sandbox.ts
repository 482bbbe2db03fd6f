// Runs one command inside a tree that must not be changed in place: /usr and /etc are overlays on the tree, everything else
// is scratch. Mounts happen in a new process (unshare, then bwrap), never here.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';

export interface SandboxTools {
  readonly bwrap: string;
  readonly unshare: string;
  readonly mount: string;
  /** Undefined where it is not there, or knows no signal for the death of a parent, as busybox's. */
  readonly setpriv: string | undefined;
  readonly sh: string;
}

export interface SandboxLayout {
  /** Directories that hold `usr` (with `usr/etc`), the uppermost first. Never written to. */
  readonly lower: readonly string[];
  /** Receives what the commands change: `usr`, `etc`, and scratch. */
  readonly scratch: string;
}

export interface SandboxCommand {
  readonly argv: readonly string[];
  /** The script, readable inside as /proc/self/fd/5. */
  readonly script?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further bwrap arguments. */
  readonly bwrapArguments?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface SandboxResult {
  readonly status: number | null;
  readonly signal: string | null;
  /** stdout and stderr together, the last 64 KiB. */
  readonly output: string;
}

const outputLimit = 65536;

function findProgram(name: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const fixed = env[`COPPICE_${name.toUpperCase()}`];
  const candidates =
    fixed !== undefined
      ? [fixed]
      : (env['PATH'] ?? '/usr/bin:/bin:/usr/sbin:/sbin').split(':').map((d) => join(d, name));
  for (const path of candidates) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

function mortal(setpriv: string | undefined): string | undefined {
  if (setpriv === undefined) return undefined;
  return spawnSync(setpriv, ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0 ? setpriv : undefined;
}

/** The programs a sandbox needs; throws `Unsupported` naming the first that is missing. `COPPICE_BWRAP` and the like name others. */
export function findSandboxTools(env: Readonly<Record<string, string | undefined>>): SandboxTools {
  const need = (name: string): string => {
    const path = findProgram(name, env);
    if (path === undefined) throw new CoppiceError('Unsupported', `Failed to find ${name}, which package scripts need`);
    return path;
  };
  return {
    bwrap: need('bwrap'),
    unshare: need('unshare'),
    mount: need('mount'),
    setpriv: mortal(findProgram('setpriv', env)),
    sh: need('sh'),
  };
}

const capabilities = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'sys_chroot',
  'setfcap',
];

/** bwrap's arguments up to the command, for a tree mounted at `root`. */
export function bwrapArguments(
  root: string,
  options: { readonly rootUser: boolean; readonly extra?: readonly string[] },
): string[] {
  const out = [
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--dir',
    '/run',
    '--dir',
    '/tmp',
    '--chdir',
    '/',
    '--die-with-parent',
  ];
  out.push('--unshare-pid', '--unshare-uts', '--unshare-ipc', '--unshare-cgroup-try', '--unshare-net');
  if (options.rootUser) {
    out.push('--cap-drop', 'ALL');
    for (const cap of capabilities) out.push('--cap-add', `cap_${cap}`);
  }
  for (const dir of ['block', 'bus', 'class', 'dev', 'devices']) {
    if (existsSync(`/sys/${dir}`)) out.push('--ro-bind', `/sys/${dir}`, `/sys/${dir}`);
  }
  out.push('--bind', `${root}/usr`, '/usr', '--bind', `${root}/etc`, '/etc', '--bind', `${root}/etc`, '/usr/etc');
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) out.push('--symlink', `usr/${link}`, `/${link}`);
  out.push('--bind', `${root}/var`, '/var', '--tmpfs', '/var/tmp', '--tmpfs', '/run', '--dir', '/run/lock');
  out.push('--ro-bind', `${root}/booted`, '/run/ostree-booted', '--symlink', 'usr/lib/opt', '/opt');
  out.push(...(options.extra ?? []));
  return out;
}

const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/sbin:/usr/bin',
  LANG: 'C.UTF-8',
  SYSTEMD_OFFLINE: '1',
};

/** Makes the scratch directories. */
export function prepareScratch(scratch: string): void {
  for (const dir of [
    'usr',
    'etc',
    'work-usr',
    'work-etc',
    'root',
    'root/usr',
    'root/etc',
    'root/var',
    'root/var/lib',
    'root/var/lib/rpm-state',
    'empty',
  ]) {
    mkdirSync(join(scratch, dir), { recursive: true });
  }
  writeFileSync(join(scratch, 'root/booted'), '');
}

/** Whether overlays can be mounted here; asked once per process and kind of user. */
export function overlayWorks(tools: SandboxTools, scratch: string): boolean {
  prepareScratch(scratch);
  const lower = join(scratch, 'probe');
  mkdirSync(lower, { recursive: true });
  writeFileSync(join(lower, 'f'), 'x');
  const probe = join(scratch, 'probe-upper');
  const work = join(scratch, 'probe-work');
  mkdirSync(probe, { recursive: true });
  mkdirSync(work, { recursive: true });
  const script = `"$1" -t overlay overlay -o "lowerdir=$2,upperdir=$3,workdir=$4$6" "$5" && echo y > "$5/f"`;
  const result = spawnSync(
    tools.unshare,
    [
      ...namespaceArguments(),
      tools.sh,
      '-c',
      script,
      'sh',
      tools.mount,
      lower,
      probe,
      work,
      join(scratch, 'empty'),
      inUserNamespace() ? ',userxattr' : '',
    ],
    { stdio: 'ignore' },
  );
  return result.status === 0;
}

/** True inside a user namespace, where overlays keep their marks in user attributes. */
function inUserNamespace(): boolean {
  if (process.getuid?.() !== 0) return true;
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8').trim());
  } catch {
    return false;
  }
}

/** unshare's arguments: a mount namespace, and a user namespace for those who are not root. */
const namespaceArguments = (): string[] => (process.getuid?.() === 0 ? ['-m'] : ['-Urm']);

const escapeOption = (path: string): string => path.replace(/[\\,:]/g, (c) => `\\${c}`);

/**
 * Runs one command over the overlays and waits. What it changed stays in `scratch/usr` and `scratch/etc`. Throws `Cancelled`
 * when `signal` aborts (the whole process tree is killed), `Process` when the sandbox itself cannot start.
 */
export async function runInSandbox(
  tools: SandboxTools,
  layout: SandboxLayout,
  command: SandboxCommand,
): Promise<SandboxResult> {
  const { scratch } = layout;
  const root = join(scratch, 'root');
  const rootUser = process.getuid?.() === 0;
  const overlay = (what: 'usr' | 'etc'): string => {
    const lower = layout.lower
      .map((dir) => join(dir, what === 'usr' ? 'usr' : 'usr/etc'))
      .filter((dir) => existsSync(dir));
    if (lower.length === 0) lower.push(join(scratch, 'empty'));
    return `lowerdir=${lower.map(escapeOption).join(':')},upperdir=${escapeOption(join(scratch, what))},workdir=${escapeOption(join(scratch, `work-${what}`))}${inUserNamespace() ? ',userxattr' : ''}`;
  };
  // The script comes as a regular file on descriptor 5: Node's pipes are sockets, which /proc/self/fd cannot reopen.
  const scriptFile = join(scratch, 'script');
  writeFileSync(scriptFile, command.script ?? '', { mode: 0o644 });
  // bwrap goes with its parent only once it runs. Until then setpriv sees to it; whoever was killed before that is the parent
  // no more. What the shell says of its parent is true in a namespace of processes too, whose /proc may be another's.
  const mounts =
    'if [ "$PPID" != "$6" ]; then echo "unshare and setpriv do not replace themselves, or the client is gone" >&2; exit 1; fi; ' +
    'exec 5<"$5" && "$1" -t overlay overlay -o "$2" "$3/usr" && "$1" -t overlay overlay -o "$4" "$3/etc" && ' +
    // Without setpriv, whether the client was killed during the mounts is seen here.
    (tools.setpriv === undefined
      ? 'read -r pid name state parent rest <"/proc/$$/stat" && [ "$parent" = "$6" ] && '
      : '') +
    'shift 6 && exec "$@"';
  const bwrap = [
    tools.bwrap,
    ...bwrapArguments(root, { rootUser, extra: command.bwrapArguments ?? [] }),
    ...command.argv,
  ];
  const child = spawn(
    tools.unshare,
    [
      ...namespaceArguments(),
      ...(tools.setpriv === undefined ? [] : [tools.setpriv, '--pdeathsig', 'KILL']),
      tools.sh,
      '-c',
      mounts,
      'sh',
      tools.mount,
      overlay('usr'),
      root,
      overlay('etc'),
      scriptFile,
      String(process.pid),
      ...bwrap,
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...environment, ...command.env },
      detached: true,
    },
  );
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (data: Buffer): void => {
    chunks.push(data);
    size += data.length;
    while (size > outputLimit && chunks.length > 1) size -= chunks.shift()!.length;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.stdin.on('error', () => {});
  child.stdin.end(command.input ?? '');
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {}
  };
  command.signal?.addEventListener('abort', kill, { once: true });
  try {
    return await new Promise<SandboxResult>((resolve, reject) => {
      child.on('error', (error) =>
        reject(new CoppiceError('Process', `Failed to start ${tools.unshare}: ${error.message}`, { cause: error })),
      );
      child.on('close', (status, signal) => {
        if (command.signal?.aborted === true) reject(new CoppiceError('Cancelled', 'Operation was cancelled'));
        else resolve({ status, signal, output: Buffer.concat(chunks).toString() });
      });
    });
  } finally {
    command.signal?.removeEventListener('abort', kill);
  }
}
