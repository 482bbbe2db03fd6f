// One transaction and those who come meanwhile: told to wait, following, cancelling, looking; and what is left when one is
// killed. Processes of their own, as users have them; the original ostree judges what is on disk afterwards.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buildPackage } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, type Ran, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare');
const main = join(import.meta.dirname, '../../packages/coppice/src/main.ts');

interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Ran>;
  /** Waits until standard output holds this. */
  said(text: string): Promise<void>;
}

describe.skipIf(reason !== undefined)(`clients of rpm-ostree ${reason ?? ''}`, () => {
  let node: Node;
  let endless: string;
  beforeAll(async () => {
    node = await Node.make();
    endless = join(node.dir, 'endless.rpm');
    const rpm = buildPackage({
      name: 'endless',
      version: '1',
      release: '1',
      arch: 'noarch',
      summary: 'endless',
      license: 'none',
      buildTime: 1_580_000_000,
      files: [{ path: '/usr/share/endless', mode: 0o644, content: Buffer.from('endless') }],
      scripts: { post: 'while :; do sleep 1; done' },
    });
    writeFileSync(endless, rpm.bytes());
  });
  afterAll(() => node.end());

  const argv = (args: readonly string[]): string[] => [
    '--conditions=source',
    main,
    'rpm-ostree',
    ...args,
    `--sysroot=${node.sysroot}`,
  ];

  function start(args: readonly string[]): Running {
    // A group of its own, as a shell gives a job.
    const child = spawn(process.execPath, argv(args), { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let stdout = '';
    let stderr = '';
    const waiting: (() => void)[] = [];
    child.stdout!.on('data', (data) => {
      stdout += data;
      for (const check of waiting) check();
    });
    child.stderr!.on('data', (data) => (stderr += data));
    const done = new Promise<Ran>((resolve) => {
      child.on('close', (status) => resolve({ status: status ?? -1, stdout, stderr }));
    });
    const said = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (stdout.includes(text)) resolve();
        };
        waiting.push(check);
        check();
        void done.then((ran) => reject(new Error(`ended without "${text}": ${ran.stdout}${ran.stderr}`)));
      });
    return { child, done, said };
  }
  const record = (): string => join(node.sysroot, 'ostree/.rpm-ostree-run/transaction.json');
  /** Nothing of a transaction is left, and nothing was changed. */
  function asBefore(trees: readonly string[]): void {
    expect(node.trees()).toEqual(trees);
    node.fsck();
    expect(existsSync(record())).toBe(false);
    expect(existsSync(join(node.sysroot, 'ostree/lock'))).toBe(false);
  }

  test('another change has to wait; status tells of it; the same again attaches; cancel ends both', async () => {
    const trees = node.trees();
    const first = start(['install', endless]);
    await first.said('Running post scripts');
    const other = await start(['kargs', '--append=quiet']).done;
    expect(other).toEqual({
      status: 1,
      stdout: '',
      stderr: `error: Transaction in progress: install ${endless}\n You can cancel the current transaction with \`rpm-ostree cancel\`\n`,
    });
    const status = await node.must('status');
    expect(status).toMatch(
      new RegExp(
        `^State: busy\nTransaction: install ${endless}\n  Initiator: client\\(id:cli dbus:\\S+ unit:unknown uid:0\\)\nDeployments:\n`,
      ),
    );
    const { transaction } = JSON.parse(await node.must('status', '--json')) as { transaction: unknown };
    expect(transaction).toEqual([
      'PkgChange',
      `:1.${first.child.pid}`,
      expect.stringMatching(/^\/org\/projectatomic\/rpmostree1\//),
    ]);
    const second = start(['install', endless]);
    await second.said('Running post scripts...');
    const cancel = await start(['cancel']).done;
    expect(cancel).toEqual({
      status: 0,
      stdout: `Cancelling transaction: install ${endless}\nCancelled.\n`,
      stderr: '',
    });
    for (const ran of [await first.done, await second.done]) {
      expect(ran.status).toBe(1);
      expect(ran.stderr).toBe('error: Operation was cancelled\n');
    }
    expect((await second.done).stdout).toMatch(new RegExp(`^Attaching to existing transaction: install ${endless}\n`));
    expect((await start(['cancel']).done).stdout).toBe('No active transaction.\n');
    expect(await node.must('status')).toMatch(/^State: idle\n/);
    asBefore(trees);
  });

  test('the second of two equal commands ends as the first', async () => {
    const gate = join(node.dir, 'gate');
    mkdirSync(gate);
    // The repository answers only when both are there.
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const server = createServer((request, response) => {
      void opened.then(() => response.end(readFileSync(join(node.lab.packages, decodeURIComponent(request.url!)))));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const repo = join(node.trees()[0]!, 'etc/yum.repos.d/lab.repo');
    const before = readFileSync(repo, 'utf8');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(repo, before.replace(/baseurl=.*/, `baseurl=${url}`));
    try {
      const first = start(['install', 'buildah']);
      await first.said('Updating metadata');
      const second = start(['install', 'buildah']);
      await second.said('Attaching to existing transaction: install buildah\n');
      open();
      const [one, two] = [await first.done, await second.done];
      expect([one.status, two.status, one.stderr, two.stderr]).toEqual([0, 0, '', '']);
      const end =
        'Added:\n  buildah-1.12.0-2.fc31.x86_64\nChanges queued for next boot. Run "systemctl reboot" to start a reboot\n';
      expect(one.stdout.endsWith(end)).toBe(true);
      expect(two.stdout.endsWith(end)).toBe(true);
      expect(two.stdout).toContain('Checking out packages...');
      expect(node.trees().length).toBe(2);
    } finally {
      server.closeAllConnections();
      server.close();
      for (const tree of node.trees()) writeFileSync(join(tree, 'etc/yum.repos.d/lab.repo'), before);
    }
    await node.must('uninstall', 'buildah');
    node.fsck();
  });

  test.each(['SIGINT', 'cancel'])('a download that stands still ends with %s', async (how) => {
    const trees = node.trees();
    let asked = (): void => {};
    const reached = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = createServer((request, response) => {
      const file = readFileSync(join(node.lab.packages, decodeURIComponent(request.url!)));
      response.writeHead(200, { 'content-length': file.length });
      if (!request.url!.endsWith('.rpm')) response.end(file);
      else response.write(file.subarray(0, file.length >> 1), asked);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const repo = join(trees[0]!, 'etc/yum.repos.d/lab.repo');
    const before = readFileSync(repo, 'utf8');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(repo, before.replace(/baseurl=.*/, `baseurl=${url}`));
    try {
      await node.must('cleanup', '-m');
      const running = start(['install', 'tcpdump']);
      await Promise.race([reached, running.done]);
      if (how === 'SIGINT') process.kill(-running.child.pid!, 'SIGINT');
      else expect((await start(['cancel']).done).stdout).toContain('Cancelled.\n');
      const ran = await running.done;
      expect(ran.stderr).toBe(
        `${how === 'SIGINT' ? 'Caught SIGINT, cancelling transaction\n' : ''}error: Operation was cancelled\n`,
      );
      expect(ran.status).toBe(1);
    } finally {
      server.closeAllConnections();
      server.close();
      writeFileSync(repo, before);
      await node.must('cleanup', '-m');
    }
    asBefore(trees);
  });

  test('Ctrl-C ends a script too', async () => {
    const trees = node.trees();
    const running = start(['install', endless]);
    await running.said('Running post scripts');
    process.kill(-running.child.pid!, 'SIGINT');
    const ran = await running.done;
    expect(ran.stderr).toBe('Caught SIGINT, cancelling transaction\nerror: Operation was cancelled\n');
    expect(ran.status).toBe(1);
    asBefore(trees);
  });

  test('a killed transaction holds nobody up, whoever has its number now', async () => {
    const trees = node.trees();
    const running = start(['install', endless]);
    await running.said('Running post scripts');
    const attached = start(['install', endless]);
    await attached.said('Running post scripts');
    process.kill(-running.child.pid!, 'SIGKILL');
    await running.done;
    const left = await attached.done;
    expect([left.status, left.stderr]).toEqual([1, 'error: The other transaction ended without a result\n']);
    expect(existsSync(record())).toBe(true);
    expect(await node.must('status')).toMatch(/^State: idle\n/);
    expect(await node.must('cancel')).toBe('No active transaction.\n');
    const text = readFileSync(record(), 'utf8');
    // Another process with that number is not the one that wrote this.
    writeFileSync(record(), JSON.stringify({ ...(JSON.parse(text) as object), pid: process.pid }));
    expect(await node.must('status')).toMatch(/^State: idle\n/);
    for (const damaged of ['', 'null', '[]', '{"pid":1}', text.slice(0, 40)]) {
      writeFileSync(record(), damaged);
      expect(await node.must('status')).toMatch(/^State: idle\n/);
    }
    await node.must('cleanup', '-b');
    asBefore(trees);
  });

  test('others may look but not change; what a client sends is not trusted', async () => {
    const trees = node.trees();
    const running = start(['install', endless]);
    await running.said('Running post scripts');
    const socket = (JSON.parse(readFileSync(record(), 'utf8')) as { socket: string }).socket;
    const talk = connect(socket);
    await new Promise<void>((resolve) => talk.once('connect', resolve));
    talk.write(`not json\n{"type":"nothing"}\n${'x'.repeat(10_000)}\n\u0000\n`);
    talk.destroy();
    chmodSync(node.dir, 0o755);
    // As nobody: the busy system is seen, its socket and its lock are root's.
    const script =
      'const n=require("net").connect(process.argv[1]);n.on("error",(e)=>console.log(e.code));n.on("connect",()=>{console.log("in");n.end()})';
    const nobody = (args: readonly string[]): Ran => {
      const done = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...args], {
        encoding: 'utf8',
        env: { ...process.env, COPPICE_USERNS: '1' },
      });
      return { status: done.status ?? -1, stdout: done.stdout, stderr: done.stderr };
    };
    expect(nobody([process.execPath, '-e', script, socket]).stdout).toBe('EACCES\n');
    expect(nobody([process.execPath, ...argv(['status'])]).stdout).toMatch(/^State: busy\n/);
    expect(nobody([process.execPath, ...argv(['install', 'tcpdump'])]).stderr).toBe(
      'error: rpmostreed OS operation PkgChange not allowed for user\n',
    );
    expect(
      (await node.rpmOstree(['cancel', `--sysroot=${node.sysroot}`])).stdout + (running.child.exitCode ?? ''),
    ).toContain('Cancelled');
    expect((await running.done).stderr).toBe('error: Operation was cancelled\n');
    expect(nobody([process.execPath, ...argv(['kargs', '--append=quiet'])]).stderr).toBe(
      'error: rpmostreed OS operation KernelArgs not allowed for user\n',
    );
    asBefore(trees);
  });
});
