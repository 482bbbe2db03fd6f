// What runs inside a container image of a system: its commit goes to the machine that runs it, and packages are installed into
// it while an image is built on top.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { parseGOptions } from '../../packages/coppice/src/cli/goption.ts';
import { changeContainer, containerChange } from '../../packages/coppice/src/rpm-ostree/container-change.ts';
import { inContainer } from '../../packages/coppice/src/rpm-ostree/container-options.ts';
import { deployFromSelf, verb as deployFromSelfVerb } from '../../packages/coppice/src/rpm-ostree/deploy-from-self.ts';
import { verb as installVerb } from '../../packages/coppice/src/rpm-ostree/install.ts';
import { rebuild, verb as rebuildVerb } from '../../packages/coppice/src/rpm-ostree/rebuild.ts';
import type { Verb, VerbCall } from '../../packages/coppice/src/rpm-ostree/verb.ts';
import { bootable, ComposeFolder, composeTime, simplePackage, textFile } from './rpm-ostree-compose-support.ts';
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

  /** A verb with a root of its own. */
  async function inside(verb: Verb, body: (call: VerbCall) => Promise<number>, ...args: string[]): Promise<Ran> {
    const stdout = memoryOutput();
    const stderr = memoryOutput();
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(composeTime) };
    const context = { program: 'rpm-ostree', env, cwd: folder.dir, stdin: { isTTY: false }, stdout, stderr };
    const usageError = (message: string): never => {
      throw new Error(`usage error: ${message}`);
    };
    try {
      const options = parseGOptions(args, verb.options);
      const status = await body({ context, options, commandLine: '', usageError });
      return { status, stdout: stdout.text, stderr: stderr.text };
    } catch (error) {
      return { status: 1, stdout: stdout.text, stderr: `error: ${(error as Error).message}\n` };
    }
  }

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

    const run = (root: string, ...args: string[]): Promise<Ran> =>
      inside(deployFromSelfVerb, (call) => deployFromSelf(call, root), ...args);
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

  describe('ex rebuild', () => {
    const origin = (name: string, text: string): void => {
      mkdirSync(join(image, 'etc/rpm-ostree/origin.d'), { recursive: true });
      writeFileSync(join(image, 'etc/rpm-ostree/origin.d', name), text);
    };
    const run = (...args: string[]): Promise<Ran> => inside(rebuildVerb, (call) => rebuild(call, image), ...args);
    const rpm = (...args: string[]): string =>
      original('rpm', '--dbpath', '/usr/share/rpm', '--root', image, ...args).trim();

    beforeAll(() => {
      const files = [
        textFile('/usr/share/extra', 'x', { user: 'keeper' }),
        textFile('/etc/extra.conf', 'extra\n', { config: 'noreplace' }),
        { path: '/usr/share/link', type: 'symlink', target: 'extra' } as const,
      ];
      const pre = "echo 'keeper:x:777:777::/:/sbin/nologin' >> /etc/passwd\necho 'keeper:x:777:' >> /etc/group\n";
      folder.publish('more', [
        simplePackage('extra', files, {
          requires: ['needed'],
          scripts: { pre, post: 'cp /etc/extra.conf /usr/share/made\n' },
        }),
        simplePackage('needed', [textFile('/usr/share/needed', 'n')]),
        simplePackage('clash', [textFile('/usr/share/needed', 'other')]),
      ]);
      mkdirSync(join(image, 'etc/yum.repos.d'), { recursive: true });
      copyFileSync(join(folder.dir, 'more.repo'), join(image, 'etc/yum.repos.d/more.repo'));
      mkdirSync(join(image, 'run'), { recursive: true });
    });

    test('elsewhere than in an image, and without treefiles', async () => {
      expect((await run()).stderr).toBe('error: This command can only run in an OSTree container.\n');
      writeFileSync(join(image, 'run/.containerenv'), '');
      expect((await run()).stderr).toBe('error: /etc/rpm-ostree/origin.d: No such file or directory\n');
      origin('readme.txt', 'no treefile');
      expect(await run()).toEqual({ status: 0, stdout: 'No changes to apply.\n', stderr: '' });
    });

    test('packages come and go at once, and rpm agrees; the treefiles are used up', async () => {
      const before = rpm('-qa').split('\n').sort();
      origin('10-more.yaml', 'packages: [extra]\n');
      origin('20-less.yaml', 'override-remove: [busybox-extras]\n');
      expect((await run()).stderr).toBe('error: Packages not found: busybox-extras\n');
      expect(rpm('-qa').split('\n').sort()).toEqual(before);
      rmSync(join(image, 'etc/rpm-ostree/origin.d/20-less.yaml'));
      const ran = await run();
      expect(ran.stderr).toBe('');
      expect(ran.stdout).toContain('Installing 2 packages:\n  extra-1-1.noarch (more)\n  needed-1-1.noarch (more)\n');
      expect(rpm('-qa').split('\n').sort()).toEqual([...before, 'extra-1-1.noarch', 'needed-1-1.noarch'].sort());
      expect(rpm('-V', '--nomtime', 'extra', 'needed')).toBe('');
      expect(readFileSync(join(image, 'usr/share/made'), 'utf8')).toBe('extra\n');
      expect(statSync(join(image, 'usr/share/extra')).uid).toBe(777);
      expect(existsSync(join(image, 'etc/rpm-ostree/origin.d/10-more.yaml'))).toBe(false);
      origin('10-less.yaml', 'override-remove: [extra]\n');
      expect((await run()).stdout).toContain('Removing 1 package:\n  extra-1-1.noarch\n');
      expect(rpm('-qa').split('\n').sort()).toEqual([...before, 'needed-1-1.noarch'].sort());
      expect(existsSync(join(image, 'usr/share/extra'))).toBe(false);
      expect(existsSync(join(image, 'usr/share/needed'))).toBe(true);
      original('/usr/bin/ostree', `--repo=${image}/ostree/repo`, 'fsck', '-q');
    });

    test('install and uninstall: names and files, of the named repository, or only said', async () => {
      const before = rpm('-qa').split('\n').sort();
      const local = join(folder.dir, 'local.rpm');
      const spec = simplePackage('given', [textFile('/usr/share/given', 'g')], { requires: ['extra'] });
      writeFileSync(local, buildPackage(spec).bytes());
      const change = (wanted: string[], removed: string[], ...args: string[]): Promise<Ran> =>
        inside(
          installVerb,
          async (call) => {
            expect(inContainer(call, image)).toBe(true);
            await changeContainer(call, image, containerChange(call, wanted, removed));
            return 0;
          },
          ...args,
        );
      const said = await change(['needed', local], [], '--dry-run', '--disablerepo=*', '--enablerepo=more', 'x');
      expect(said.stdout).toBe(
        "Installing 2 packages:\n  extra-1-1.noarch (more)\n  given-1-1.noarch (@commandline)\nExiting because of '--dry-run' option\n",
      );
      expect(rpm('-qa').split('\n').sort()).toEqual(before);
      expect((await change([local], [], 'x')).stderr).toBe('');
      expect(rpm('-V', '--nomtime', 'given', 'extra')).toBe('');
      expect((await change([], ['given', 'extra'], 'x')).stderr).toBe('');
      expect(rpm('-qa').split('\n').sort()).toEqual(before);
      expect((await change(['extra'], [], '--enablerepo=other', 'x')).stderr).toMatch(/^error: [^\n]*other[^\n]*\n$/);
      expect((await change(['extra'], [], '--disablerepo=more', 'x')).stderr).toBe(
        'error: Invalid --disablerepo="more" value, currently only \'*\' is supported\n',
      );
    });

    test('a conflict of files, keys of a base, and a package that is nowhere: nothing changes', async () => {
      const before = rpm('-qa').split('\n').sort();
      for (const [text, why] of [
        ['packages: [clash]\n', /^error: Checking out package clash: [^\n]*usr\/share\/needed[^\n]*\n$/],
        ['packages: [nowhere]\n', /^error: Packages not found: nowhere\n$/],
        ['ref: x\n', /^error: the following base fields are not supported:\n\{\n {2}"ref": "x"\n\}\n$/],
      ] as const) {
        origin('10.yaml', text);
        expect((await run()).stderr).toMatch(why);
        expect(rpm('-qa').split('\n').sort()).toEqual(before);
        expect(existsSync(join(image, 'etc/rpm-ostree/origin.d/10.yaml'))).toBe(true);
      }
      expect(readFileSync(join(image, 'usr/share/needed'), 'utf8')).toBe('n');
    });
  });
});
