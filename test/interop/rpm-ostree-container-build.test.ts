// What runs inside a container image of a system: its commit goes to the machine that runs it, and packages are installed into
// it while an image is built on top.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { parseGOptions } from '../../packages/coppice/src/cli/goption.ts';
import { deployFromSelf, verb as deployFromSelfVerb } from '../../packages/coppice/src/rpm-ostree/deploy-from-self.ts';
import { bootable, ComposeFolder } from './rpm-ostree-compose-support.ts';
import { original, type Ran, skipReason } from './rpm-ostree-support.ts';

const reason =
  process.getuid?.() === 0
    ? skipReason('/usr/bin/ostree', 'rpm', 'createrepo_c', 'bwrap', '/bin/busybox')
    : 'needs root';

describe.skipIf(reason !== undefined)(`in a container image ${reason ?? ''}`, () => {
  let folder: ComposeFolder;
  let image: string;
  let commit: string;

  beforeAll(async () => {
    folder = new ComposeFolder('container-build', 'bare');
    folder.publish('local', ComposeFolder.world());
    folder.write('base.yaml', `${bootable}repos: [local]\nref: test/base\n`);
    expect((await folder.tree('base.yaml')).stderr).toBe('');
    commit = folder.ostree('rev-parse', 'test/base').trim();
    image = join(folder.dir, 'image');
    await folder.must('compose', 'commit-to-container-rootfs', '--repo=repo', 'test/base', image);
  });
  afterAll(() => folder.end());

  describe('ex deploy-from-self', () => {
    let target: string;
    beforeAll(() => {
      target = join(folder.dir, 'target');
      for (const dir of ['bin', 'sysroot', 'usr/bin']) mkdirSync(join(target, dir), { recursive: true });
      original('/usr/bin/ostree', 'admin', 'init-fs', join(target, 'sysroot'));
      copyFileSync('/bin/busybox', join(target, 'bin/sh'));
      const client = join(target, 'usr/bin/rpm-ostree');
      writeFileSync(client, '#!/bin/sh\necho "$@" >/called\n[ ! -e /fail ] || { echo why >&2; exit 3; }\n');
      chmodSync(client, 0o755);
    });

    async function run(root: string, ...args: string[]): Promise<Ran> {
      const stdout = memoryOutput();
      const stderr = memoryOutput();
      const options = parseGOptions(args, deployFromSelfVerb.options);
      const context = {
        program: 'rpm-ostree',
        env: process.env,
        cwd: folder.dir,
        stdin: { isTTY: false },
        stdout,
        stderr,
      };
      const usageError = (message: string): never => {
        throw new Error(`usage error: ${message}`);
      };
      try {
        const status = await deployFromSelf({ context, options, commandLine: '', usageError }, root);
        return { status, stdout: stdout.text, stderr: stderr.text };
      } catch (error) {
        return { status: 1, stdout: stdout.text, stderr: `error: ${(error as Error).message}\n` };
      }
    }
    const repo = (...args: string[]): string =>
      original('/usr/bin/ostree', `--repo=${target}/sysroot/ostree/repo`, ...args);

    test('copies the commit and has the system deploy it; the original agrees that all is there', async () => {
      expect(await run(image, 'target')).toEqual({ status: 0, stdout: `Imported: ${commit}\n`, stderr: '' });
      expect(readFileSync(join(target, 'called'), 'utf8')).toBe(`rebase ${commit}\n`);
      repo('fsck', '-q');
      expect(repo('ls', '-R', '-C', '-X', commit)).toBe(folder.ostree('ls', '-R', '-C', '-X', commit));
      original('/usr/bin/ostree', 'admin', 'os-init', 'os', `--sysroot=${target}/sysroot`);
      original('/usr/bin/ostree', 'admin', 'deploy', `--sysroot=${target}/sysroot`, '--os=os', commit);
      expect((await run(image, '--reboot', 'target')).status).toBe(0);
      expect(readFileSync(join(target, 'called'), 'utf8')).toBe(`rebase ${commit} --reboot\n`);
    });

    test('a client that fails, an image without a commit or with two, no target', async () => {
      writeFileSync(join(target, 'fail'), '');
      expect((await run(image, 'target')).stderr).toBe('error: chroot: Child process exited with code 3: why\n');
      rmSync(join(target, 'fail'));
      const odd = join(folder.dir, 'odd');
      mkdirSync(join(odd, 'ostree'), { recursive: true });
      original('/usr/bin/ostree', `--repo=${odd}/ostree/repo`, 'init', '--mode=bare-user');
      expect((await run(odd, 'target')).stderr).toBe('error: No encapsulated commit found in container\n');
      for (const subject of ['a', 'b'])
        original(
          '/usr/bin/ostree',
          `--repo=${odd}/ostree/repo`,
          'commit',
          '-b',
          subject,
          '-s',
          subject,
          join(target, 'usr'),
        );
      expect((await run(odd, 'target')).stderr).toBe('error: Found 2 commit objects, expected just one\n');
      expect((await run(image)).stderr).toBe('error: usage error: TARGET_ROOT must be specified\n');
      expect((await run(image, 'nowhere')).status).toBe(1);
    });
  });
});
