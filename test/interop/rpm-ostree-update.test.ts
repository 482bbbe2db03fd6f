// Checking for updates: what is said, what is remembered, what the timer's policies do.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { articleWorld, Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm');

describe.skipIf(reason !== undefined)(`updates ${reason ?? ''}`, () => {
  let node: Node;
  let next: string;
  const ostree = (...args: string[]): string => original('/usr/bin/ostree', ...args);
  const check = async (...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> =>
    await node.rpmOstree(['upgrade', ...args, `--sysroot=${node.sysroot}`]);

  beforeAll(async () => {
    node = await Node.make();
    ostree(`--repo=${node.repo}`, 'config', 'set', 'remote "fedora".gpg-verify', 'false');
  });
  afterAll(() => node?.end());

  /** Moves the stream on to the tree and package list of the testing stream. */
  function publish(): void {
    const { commit } = node.lab.state().streams['testing']!;
    const { ref } = Object.values(articleWorld().streams)[0]!;
    next = ostree(
      `--repo=${node.lab.repo}`,
      'commit',
      `--branch=${ref}`,
      `--parent=${commit}`,
      `--tree=ref=${commit}`,
      '--keep-metadata=rpmostree.rpmdb.pkglist',
      '--keep-metadata=version',
      '--timestamp=@1600000000',
    ).trim();
    ostree(`--repo=${node.lab.repo}`, 'summary', '-u');
  }

  test('nothing new: exit status 77', async () => {
    expect(await check('--check')).toMatchObject({
      status: 77,
      stdout: expect.stringMatching(/No updates available\.\n$/),
    });
  });

  test('an update is told, fetched as a commit only, and remembered', async () => {
    publish();
    const found = await check('--check');
    expect(found.stderr).toBe('');
    expect(found.status).toBe(0);
    expect(found.stdout).toMatch(/^AvailableUpdate:\n {8}Version: \S+ \(2020-09-13T12:26:40Z\)\n/m);
    expect(found.stdout).toContain(`         Commit: ${next}\n`);
    expect(found.stdout).toMatch(/^ {11}Diff: \d+ upgraded/m);
    // Only the commit object came.
    expect(existsSync(join(node.repo, 'state', `${next}.commitpartial`))).toBe(true);
    const preview = await check('--preview');
    expect(preview.stdout).toMatch(/ kernel 5\.4\.10-200\.fc31 -> 5\.4\.13-201\.fc31\n/);
    // With automatic updates off, status does not show it; JSON does.
    expect(await node.must('status')).not.toContain('AvailableUpdate');
    const json = JSON.parse(await node.must('status', '--json')) as {
      'cached-update': { checksum: string; 'ref-has-new-commit': boolean; 'rpm-diff': { upgraded: unknown[] } };
    };
    expect(json['cached-update'].checksum).toBe(next);
    expect(json['cached-update']['ref-has-new-commit']).toBe(true);
    expect(json['cached-update']['rpm-diff'].upgraded).toContainEqual([
      2,
      'kernel',
      ['5.4.10-200.fc31', 'x86_64'],
      ['5.4.13-201.fc31', 'x86_64'],
    ]);
  });

  test('the policies of the timer', async () => {
    const config = (policy: string): void =>
      writeFileSync(join(node.trees()[0]!, 'etc/rpm-ostreed.conf'), `[Daemon]\nAutomaticUpdatePolicy=${policy}\n`);
    const trigger = '--trigger-automatic-update-policy';
    config('none');
    expect((await check(trigger)).stdout).toBe('Automatic updates are not enabled; exiting...\n');
    config('check');
    expect((await check(trigger)).stdout).toContain('AvailableUpdate:\n');
    expect(await node.must('status')).toMatch(/AutomaticUpdates: check; [\s\S]*\n\nAvailableUpdate:\n/);
    config('sometimes');
    expect((await check(trigger)).stderr).toBe("error: Invalid value for AutomaticUpdatePolicy: 'sometimes'\n");
    config('stage');
    expect((await check(trigger)).stderr).toBe('');
    expect(ostree('admin', 'status', `--sysroot=${node.sysroot}`)).toContain(`fedora-coreos ${next}.0`);
    // It is deployed now: nothing is left to say.
    expect(await node.must('status')).not.toContain('AvailableUpdate');
    expect((await check('--check')).status).toBe(77);
    node.fsck();
  });

  test('a remembered update that is damaged counts as none', async () => {
    const file = join(node.sysroot, 'ostree/deploy/fedora-coreos/var/cache/rpm-ostree/cached-update.gv');
    for (const bytes of ['', 'x', 'checksum'.repeat(50)]) {
      writeFileSync(file, bytes);
      expect((JSON.parse(await node.must('status', '--json')) as Record<string, unknown>)['cached-update']).toBeNull();
    }
  });
});
