// Wrapped programs: which calls go through, which are warned of, and what stands in for the others. The dispositions are those
// of the original's own tests.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Context, memoryOutput } from '../src/cli/context.ts';
import { runCliwrap } from '../src/rpm-ostree/cliwrap/cliwrap.ts';
import { type HostType, thisHost, type WrapHost } from '../src/rpm-ostree/cliwrap/host.ts';
import { rpmDisposition } from '../src/rpm-ostree/cliwrap/rpm.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coppice-cliwrap-'));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

interface Called {
  readonly status: number | string;
  readonly ran: readonly (readonly string[])[];
  readonly stdout: string;
  readonly stderr: string;
}

async function call(
  args: readonly string[],
  at: { type?: HostType; privileged?: boolean; unlocked?: boolean; env?: Record<string, string> } = {},
): Promise<Called> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context: Context = {
    program: 'rpm-ostree',
    env: at.env ?? {},
    cwd: root,
    stdin: { isTTY: false },
    stdout,
    stderr,
  };
  const ran: string[][] = [];
  const host: WrapHost = {
    context,
    root,
    type: at.type ?? 'ostree-host',
    unlocked: at.unlocked ?? false,
    privileged: at.privileged ?? true,
    run: (program, words) => {
      ran.push([program, ...words].map((word) => word.replace(root, '')));
      const empty = Buffer.alloc(0);
      return { pid: 1, output: [], stdout: empty, stderr: empty, status: 7, signal: null };
    },
    wait: (seconds) => ran.push([`wait ${seconds}`]),
  };
  const own = async (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> => {
    ran.push([...Object.entries(env).map(([k, v]) => `${k}=${v}`), 'rpm-ostree', ...words]);
    return words[0] === 'kernel-install' ? 77 : 0;
  };
  const status = await runCliwrap(context, args, own, host).catch((error: Error) => error.message);
  return { status, ran, stdout: stdout.text, stderr: stderr.text };
}

const real = (name: string): string => `/usr/libexec/rpm-ostree/wrapped/${name}`;

describe('rpm', () => {
  test.each([
    [['--version'], 'ok'],
    [['-qa'], 'ok'],
    [['--query', '-f', '/usr/bin/bash'], 'ok'],
    [['--requires', '-q', 'blah'], 'ok'],
    [['-qea', 'bash'], 'ok'],
    [['--erase', 'bash'], 'warn'],
    [['-e', 'bash'], 'warn'],
  ] as const)('%j: %s', (args, disposition) => {
    expect(rpmDisposition(args)).toBe(disposition);
  });

  test('verification is answered', async () => {
    for (const flag of ['-V', '--verify']) {
      const { status, stdout, ran } = await call(['/usr/bin/rpm', flag, 'bash']);
      expect([status, ran]).toEqual([0, []]);
      expect(stdout).toContain('If you wish to verify integrity, use `ostree fsck`.\n');
    }
  });

  test('runs without privileges, after a warning when it may change something', async () => {
    const drop = [
      'setpriv',
      '--no-new-privs',
      '--reuid=bin',
      '--regid=bin',
      '--init-groups',
      '--bounding-set',
      '-all',
      '--',
    ];
    expect(await call(['/usr/bin/rpm', '-qa'])).toMatchObject({
      status: 7,
      ran: [[...drop, real('rpm'), '-qa']],
      stderr: '',
    });
    const warned = await call(['/usr/bin/rpm', '-e', 'toolbox']);
    expect(warned.ran).toEqual([['wait 5'], [...drop, real('rpm'), '-e', 'toolbox']]);
    expect(warned.stderr).toBe(
      'rpm-ostree: Note: This system is image (rpm-ostree) based.\nrpm-ostree: Dropping privileges as `rpm` was executed with not "known safe" arguments.\nrpm-ostree: You may invoke the real `rpm` binary in `/usr/libexec/rpm-ostree/wrapped/rpm`.\nrpm-ostree: Continuing execution in 5 seconds.\n\n',
    );
    expect((await call(['rpm', '-e', 'x'], { privileged: false })).ran.at(-1)).toEqual([real('rpm'), '-e', 'x']);
  });

  test('runs as it is where /usr can be written, in containers, elsewhere, and when asked', async () => {
    for (const at of [
      { unlocked: true },
      { type: 'ostree-container' },
      { type: 'other' },
      { env: { RPMOSTREE_CLIWRAP_SKIP: '1' } },
    ] as const)
      expect((await call(['rpm', '-e', 'x'], at)).ran).toEqual([[real('rpm'), '-e', 'x']]);
  });
});

test('yum and dnf: some verbs are ours, others say what to do', async () => {
  expect(await call(['/usr/bin/dnf', 'update'])).toMatchObject({ status: 0, ran: [['rpm-ostree', 'upgrade']] });
  expect((await call(['yum', 'status'])).ran).toEqual([['rpm-ostree', 'status']]);
  writeFileSync(join(root, 'usr/bin/podman'), '');
  const install = await call(['dnf', 'install', 'foo']);
  expect(install.status).toMatch(
    /consider other options:\n - `podman`: General purpose containers\n - `rpm-ostree install`: /,
  );
  expect((await call(['dnf', 'unknown', '--other'])).status).toMatch(/^rpm-ostree: Unknown arguments passed to yum/);
  expect((await call(['dnf', 'search', 'x'])).status).toContain('rpm-ostree search');
  expect(await call(['dnf', '--help'])).toMatchObject({ status: 0, ran: [] });
});

test('kernel-install is ours where images are built', async () => {
  const args = ['/usr/bin/kernel-install', 'add', '6.1'];
  expect(await call(args, { type: 'ostree-container' })).toMatchObject({
    status: 0,
    ran: [['KERNEL_INSTALL_LAYOUT=ostree', 'rpm-ostree', 'kernel-install', 'add', '6.1']],
  });
  expect((await call(args)).ran).toEqual([[real('kernel-install'), 'add', '6.1']]);
});

test('dracut, grubby, and what nobody wrapped', async () => {
  expect(await call(['dracut'])).toMatchObject({ status: 1, ran: [] });
  expect((await call(['dracut', '-f'])).stderr).toContain('Use `rpm-ostree initramfs` to control client-side');
  expect(await call(['grubby', '--info'])).toMatchObject({
    status: 1,
    stderr: 'This system is rpm-ostree based; grubby is not used.\nUse `rpm-ostree kargs` instead.\n',
  });
  expect((await call(['nosuch'])).status).toBe('Unknown wrapped binary: nosuch');
  expect((await call([])).status).toBe('Missing required argument');
  expect((await call(['x/'])).status).toBe('Invalid wrapped binary: x/');
});

test('install-to-root moves programs aside, once', async () => {
  writeFileSync(join(root, 'usr/bin/rpm'), 'this is rpm');
  for (let i = 0; i < 2; i++)
    expect(await call(['install-to-root', root])).toMatchObject({
      stdout: `Successfully enabled cliwrap for ${root}\n`,
    });
  const text = (path: string): string => readFileSync(join(root, path), 'utf8');
  expect(text('usr/libexec/rpm-ostree/wrapped/rpm')).toBe('this is rpm');
  expect(text('usr/bin/rpm')).toContain('binary is now located at: usr/libexec/rpm-ostree/wrapped/rpm');
  expect(text('usr/bin/yum')).toContain('to implement this CLI interface');
  expect(statSync(join(root, 'usr/bin/yum')).mode & 0o7777).toBe(0o755);
  expect(statSync(join(root, 'usr/sbin/grubby'), { throwIfNoEntry: false })).toBeUndefined();
  expect((await call(['install-to-root', join(root, 'nosuch')])).status).toContain('not a root file system');
  expect((await call(['install-to-root'])).status).toBe('Missing required argument: ROOTDIR');
});

test('a root is a node, an image of one, or neither', () => {
  const type = (): HostType => thisHost({ env: {} } as Context, root).type;
  expect(type()).toBe('other');
  mkdirSync(join(root, 'sysroot/ostree/repo'), { recursive: true });
  writeFileSync(join(root, 'sysroot/ostree/repo/config'), '[core]\nmode=bare-split-xattrs\n');
  expect(type()).toBe('other');
  mkdirSync(join(root, 'run'));
  writeFileSync(join(root, 'run/.containerenv'), '');
  expect(type()).toBe('ostree-container');
  writeFileSync(join(root, 'run/ostree-booted'), '');
  expect(type()).toBe('ostree-host');
});
