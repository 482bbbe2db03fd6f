// What this machine lets Coppice do. `coppice doctor` prints it; `createInstance` picks the storage kind by it.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch, release, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';

export interface Ability {
  /** Short stable name, e.g. `user-namespaces`. */
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in a few words. */
  readonly found: string;
  /** What that means for the user of Coppice. */
  readonly meaning: string;
}

interface Probe {
  readonly name: string;
  /** The finding, or undefined when the ability is absent. */
  readonly test: (dir: string) => string | undefined;
  readonly yes: string;
  readonly no: string;
}

/** Runs a program; its trimmed standard output when it succeeds, else undefined. */
function ask(command: string, ...args: string[]): string | undefined {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

/** Where `name` is in PATH. */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string | undefined {
  for (const dir of path.split(':')) {
    if (dir === '') continue;
    try {
      accessSync(join(dir, name), constants.X_OK);
      return join(dir, name);
    } catch {
      // Not here; look further.
    }
  }
  return undefined;
}

/** The subordinate user ids of this user as `start:count`, when the machine can map them. */
export function subordinateIds(): string | undefined {
  const { username, uid } = userInfo();
  if (findProgram('newuidmap') === undefined || findProgram('newgidmap') === undefined) return undefined;
  try {
    for (const line of readFileSync('/etc/subuid', 'utf8').split('\n')) {
      const [who, start, count] = line.split(':');
      if ((who === username || who === String(uid)) && Number(count) >= 65536) return `${start}:${count}`;
    }
  } catch {
    // No such file: no range.
  }
  return undefined;
}

/** Makes a file with `content` and runs `body` on its descriptor and path. */
function withFile<T>(dir: string, name: string, body: (fd: number, path: string) => T): T {
  const path = join(dir, name);
  const fd = hostFs.open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    hostFs.write(fd, Buffer.from('probe'), 0, 5, 0);
    return body(fd, path);
  } finally {
    hostFs.close(fd);
  }
}

const probes: readonly Probe[] = [
  {
    name: 'root',
    test: () => (process.getuid?.() === 0 ? 'uid 0' : undefined),
    yes: 'instances keep a bare repository with real owners',
    no: 'instances need a subordinate id range for real owners, or keep owners inside a bare-user repository',
  },
  {
    name: 'user-namespaces',
    test: () => (ask('unshare', '--user', '--map-root-user', 'id', '-u') === '0' ? 'unshare --user works' : undefined),
    yes: 'programs of a deployment run without root',
    no: 'without root, `instance exec` and package scripts cannot run; enable unprivileged user namespaces',
  },
  {
    name: 'subordinate-ids',
    test: () => (process.getuid?.() === 0 ? 'not needed as root' : subordinateIds()),
    yes: 'a bare repository with real owners works',
    no: 'instances use a bare-user repository; add a range of 65536 to /etc/subuid and /etc/subgid and install newuidmap for more',
  },
  {
    name: 'bwrap',
    test: () =>
      ask('bwrap', '--ro-bind', '/', '/', '--dev', '/dev', 'true') === undefined
        ? undefined
        : ask('bwrap', '--version'),
    yes: '`instance exec` and package scripts run in a sandbox',
    no: 'install bubblewrap; until then packages with scripts and `instance exec` are refused',
  },
  {
    name: 'xattrs',
    test: (dir) =>
      withFile(dir, 'xattr', (_fd, path) => {
        hostFs.setxattr(path, 'user.coppice', Buffer.from('1'));
        return 'user.* attributes kept';
      }),
    yes: 'bare-user repositories work here',
    no: 'bare-user repositories cannot be made on this file system; use an archive repository',
  },
  {
    name: 'reflink',
    test: (dir) =>
      withFile(dir, 'from', (from) =>
        withFile(dir, 'to', (to) => (hostFs.reflink(from, to) ? 'FICLONE works' : undefined)),
      ),
    yes: 'copies of large files share their blocks',
    no: 'copies take their full size (ext4 has no reflinks; XFS and Btrfs do)',
  },
  {
    name: 'kvm',
    test: () => {
      accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
      return '/dev/kvm is usable';
    },
    yes: 'virtual machines run at full speed',
    no: 'virtual machines run in software emulation, about ten times slower',
  },
  {
    name: 'qemu',
    test: () => ask('qemu-system-x86_64', '--version')?.split('\n')[0],
    yes: 'disk images can be booted',
    no: 'install QEMU to boot disk images; directory-backed instances do not need it',
  },
  {
    name: 'space',
    test: (dir) => {
      const gib = hostFs.usage(dir).available / 2 ** 30;
      return gib >= 2 ? `${gib.toFixed(1)} GiB free` : undefined;
    },
    yes: 'enough for a lab and some instances',
    no: 'less than 2 GiB free: a lab and an instance may not fit',
  },
];

/** Tries everything, in a temporary folder below `where` (the system's by default). Never throws: what fails is absent. */
export function examineMachine(where: string = tmpdir()): Ability[] {
  const dir = mkdtempSync(join(where, 'coppice-doctor-'));
  try {
    return probes.map(({ name, test, yes, no }) => {
      let found: string | undefined;
      try {
        found = test(dir);
      } catch {
        found = undefined;
      }
      return { name, ok: found !== undefined, found: found ?? 'no', meaning: found === undefined ? no : yes };
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One line about the machine itself. */
export function describeMachine(): string {
  return `Linux ${release()} ${arch()}, Node ${process.versions.node}, user ${userInfo().username}`;
}
