// The journey on a real root file system: Debian's, with its own shell, libraries and 8,000 files.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from './article.ts';
import { inCi, missingPrograms, Scene } from './scene.ts';

const treeScript = join(repositoryRoot, 'test/judges/debian-tree.sh');

/** Why this cannot run here. In CI the tree is made before the tests; when it is not there, they fail. */
function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'debootstrap needs root';
  const missing = missingPrograms('bwrap', 'debootstrap', 'rpm', 'ostree');
  if (missing !== undefined || inCi) return missing;
  return spawnSync(treeScript, ['--cached']).status === 0
    ? undefined
    : 'test/judges/debian-tree.sh makes the tree first';
}

const reason = whyNot();

describe.skipIf(reason !== undefined)(`the journey on a Debian base tree ${reason ?? ''}`, () => {
  const scene = new Scene();
  let tree: string;
  beforeAll(async () => {
    const made = spawnSync(treeScript, ['--cached'], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    tree = made.stdout.trim();
    await scene.lab({ baseTree: tree });
    scene.create('m');
  });
  afterAll(() => scene.end());

  test('the base has the files of the tree and a package per Debian package', () => {
    const ours = scene.must('sh', '-c', `cd ${scene.sysroot('m')}/ostree/deploy/*/deploy/*.0/usr/bin && ls | sort`);
    const theirs = scene.must('sh', '-c', `cd ${tree}/usr/bin && ls | sort`);
    expect(ours.split('\n')).toEqual(expect.arrayContaining(theirs.split('\n')));
    const root = scene.must('sh', '-c', `ls -d ${scene.sysroot('m')}/ostree/deploy/*/deploy/*.0`).trim();
    const packages = scene
      .must('rpm', '-qa', '--root', root, '--dbpath', '/usr/share/rpm', '--qf', '%{name}\\n')
      .trim()
      .split('\n');
    const debian = scene
      .must('dpkg-query', '--admindir', `${tree}/var/lib/dpkg`, '-W', '-f', '${Package}\\n')
      .trim()
      .split('\n');
    expect(packages).toEqual(expect.arrayContaining(debian));
  });

  test('its own programs run', () => {
    expect(
      scene.mustInside('m', '. /etc/os-release; echo $ID; python3 -c "print(6*7)"; dpkg --version | head -n 1'),
    ).toMatch(/^debian\n42\n.*dpkg/);
  });

  test('layer, reboot, roll back, rebase', () => {
    scene.mustInside('m', 'rpm-ostree install buildah tcpdump');
    expect(scene.inside('m', 'buildah --version').status).toBe(127);
    scene.reboot('m');
    expect(scene.mustInside('m', 'buildah --version; tcpdump; grep tcpdump: /usr/lib/passwd')).toMatch(
      /^buildah version 1\.12\.0 .*\ntcpdump version 4\.9\.3\ntcpdump:x:72:/,
    );
    scene.mustInside('m', 'rpm-ostree rollback');
    scene.reboot('m');
    expect(scene.inside('m', 'buildah --version').status).toBe(127);
    scene.mustInside('m', 'rpm-ostree rollback');
    scene.reboot('m');
    const said = scene.mustInside('m', 'rpm-ostree rebase -b fedora:fedora/x86_64/coreos/testing');
    expect(said).toContain('  socat 1.7.3.3-2.fc31 -> 1.7.3.4-1.fc31\n');
    scene.reboot('m');
    expect(scene.mustInside('m', 'rpm-ostree status --booted')).toContain('LayeredPackages: buildah tcpdump');
    scene.must('/usr/bin/ostree', 'fsck', '-q', `--repo=${scene.sysroot('m')}/ostree/repo`);
  });
});
