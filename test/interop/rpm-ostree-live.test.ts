// Packages brought to the running tree: a directory plays the machine booted from the deployment before. rpm and ostree judge.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  applyLive,
  Client,
  formatJsonGlib,
  formatStatus,
  type LiveHost,
  statusJson,
  systemStatus,
} from '@coppice/rpm-ostree';
import { directoryHost } from '@coppice/sysroot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('ostree', 'rpm', 'bwrap');

describe.skipIf(reason !== undefined)(`apply-live${reason === undefined ? '' : `: ${reason}`}`, () => {
  let node: Node;
  let booted: string;
  let pending: string;
  const tmpfilesRoots: string[] = [];
  // /usr of a deployment directory needs no overlay to be written.
  const host: LiveHost = { check() {}, mount() {}, remount() {}, tmpfiles: (root) => tmpfilesRoots.push(root) };

  const open = (messages: string[] = []): Client =>
    Client.open({
      sysroot: node.sysroot,
      host: directoryHost({
        sysroot: node.sysroot,
        deployment: relative(node.sysroot, booted),
        run: join(node.dir, 'run'),
      }),
      progress: (event) => {
        if (event.type === 'message') messages.push(event.text);
        else if (event.type === 'begin') messages.push(event.step);
      },
    });
  const statusText = (): string => {
    const client = open();
    return formatStatus(systemStatus(client), { compat: client.compat });
  };
  const checksumOf = (tree: string): string => tree.slice(tree.lastIndexOf('/') + 1).split('.')[0]!;
  const refs = (): string => original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs', '--list', 'rpmostree');

  beforeAll(async () => {
    node = await Node.make();
    mkdirSync(join(node.dir, 'run'));
    booted = node.trees()[0]!;
    await node.must('install', 'buildah');
    pending = node.trees()[0]!;
  });
  afterAll(() => node.end());

  it('brings an added package to /usr, and nothing of it before', async () => {
    expect(node.installed(booted)).not.toEqual(node.installed(pending));
    const messages: string[] = [];
    const client = open(messages);
    const outcome = await applyLive(client, { host });
    expect(outcome.commit).toBe(checksumOf(pending));
    expect(messages.map((m) => m.replace(/\d+/g, 'N'))).toEqual([
      'Computed /usr diff: files(added:N removed:N changed:N) dirs(added:N removed:N changed:N)',
      'Computed pkg diff: N added, N changed, N removed',
      'Computing /etc diff to preserve',
      'Updating /usr',
      'Updating /etc',
      'Running systemd-tmpfiles for /run and /var',
    ]);
    expect(tmpfilesRoots).toEqual([booted]);
    expect(node.installed(booted)).toEqual(node.installed(pending));
    expect(spawnSync('diff', ['-r', '--no-dereference', join(booted, 'usr'), join(pending, 'usr')]).status).toBe(0);
    expect(refs()).toContain('rpmostree/live-apply');
    node.fsck();
  });

  it('shows the live commit in status, and keeps it over a cleanup', async () => {
    const client = open();
    expect(client.booted?.unlocked).toBe('transient');
    const status = systemStatus(client);
    const json = formatJsonGlib(statusJson(status));
    expect(json).toContain(`"live-replaced" : "${checksumOf(pending)}"`);
    expect(status.deployments.find((d) => d.booted)?.live?.diff?.added.map((p) => p.name)).toContain('buildah');
    expect(statusText()).toMatch(new RegExp(`LiveCommit: ${checksumOf(pending)}\n +LiveDiff: \\d+ added\n`));
    await node.must('cleanup', '-b');
    expect(open().repo.hasObject('commit', checksumOf(pending))).toBe(true);
  });

  it('goes back with reset', async () => {
    await applyLive(open(), { host, reset: true });
    expect(node.installed(booted)).not.toEqual(node.installed(pending));
    expect(refs()).not.toContain('live-apply');
    const checked = original('/usr/bin/ostree', `--repo=${node.repo}`, 'ls', '-R', checksumOf(booted), '/usr/bin');
    for (const [, name] of checked.matchAll(/ \/usr\/bin\/(\S+)$/gm))
      expect(
        spawnSync('test', ['-e', join(booted, 'usr/bin', name!), '-o', '-L', join(booted, 'usr/bin', name!)]).status,
      ).toBe(0);
    node.fsck();
  });

  it('keeps what was changed in /etc, and adds what is new there', async () => {
    const tree = join(node.dir, 'tree');
    const repo = `--repo=${node.repo}`;
    original('/usr/bin/ostree', repo, 'checkout', '--union', checksumOf(pending), tree);
    mkdirSync(join(tree, 'usr/etc/fresh.d'));
    writeFileSync(join(tree, 'usr/etc/fresh.d/a.conf'), 'a\n');
    writeFileSync(join(tree, 'usr/etc/mine.conf'), 'theirs\n');
    writeFileSync(join(booted, 'etc/mine.conf'), 'mine\n');
    const list = original('/usr/bin/ostree', repo, 'ls', '-R', checksumOf(pending), '/usr/etc');
    expect(list).not.toContain('fresh.d');
    original('/usr/bin/ostree', repo, 'commit', '-b', 'fresh', '-s', 'x', `--tree=dir=${tree}`);
    await applyLive(open(), { host, target: 'fresh' });
    expect(readFileSync(join(booted, 'etc/fresh.d/a.conf'), 'utf8')).toBe('a\n');
    expect(readFileSync(join(booted, 'etc/mine.conf'), 'utf8')).toBe('mine\n');
    // The way back takes along what came, unless it was changed since.
    writeFileSync(join(booted, 'etc/mine.conf'), 'mine again\n');
    await applyLive(open(), { host, reset: true });
    expect(existsSync(join(booted, 'etc/fresh.d'))).toBe(false);
    expect(readFileSync(join(booted, 'etc/mine.conf'), 'utf8')).toBe('mine again\n');
    rmSync(join(booted, 'etc/mine.conf'));
    node.fsck();
  });

  it('refuses to take packages away without leave, and finishes what was interrupted', async () => {
    await applyLive(open(), { host });
    await expect(applyLive(open(), { host, target: checksumOf(booted) })).rejects.toThrow(
      /^packages would be removed: \d+, allow replacement to override$/,
    );
    await applyLive(open(), { host, reset: true });
    const broken: LiveHost = {
      ...host,
      tmpfiles() {
        throw new Error('cut short');
      },
    };
    await expect(applyLive(open(), { host: broken })).rejects.toThrow('cut short');
    expect(statusText()).toContain('InterruptedLiveCommit');
    await expect(applyLive(open(), { host, target: checksumOf(booted), allowReplacement: true })).rejects.toThrow(
      /^Previously interrupted while targeting commit/,
    );
    await applyLive(open(), { host });
    expect(node.installed(booted)).toEqual(node.installed(pending));
  });

  it('says that there is no booted system', async () => {
    const ran = await node.rpmOstree(['apply-live', `--sysroot=${node.sysroot}`]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toBe('error: Not booted into an OSTree system\n');
  });
});
