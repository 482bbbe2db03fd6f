// The journey on generated worlds: other names, versions, dependencies, stateroots, remotes and branches.

import { generateWorld, versionOn, type World, type WorldPackage } from '@coppice/lab';
import { describe, expect, test } from 'vitest';
import { missingPrograms, Scene } from './scene.ts';

const reason = missingPrograms('bwrap', 'rpm');
const seeds = Array.from({ length: 20 }, (_, i) => 1000 + i);

function evr(world: World, pkg: WorldPackage, stream: string): string {
  const { version, release } = versionOn(world, pkg, stream);
  return `${pkg.epoch === undefined || pkg.epoch === 0 ? '' : `${pkg.epoch}:`}${version}-${release}`;
}

/** `rpm -qa` of a deployment's database, by the original. */
function installed(scene: Scene, machine: string, deployment: string): Map<string, string> {
  const [osname, name] = deployment.split('/');
  const root = `${scene.sysroot(machine)}/ostree/deploy/${osname}/deploy/${name}`;
  const text = scene.must(
    'rpm',
    '-qa',
    '--root',
    root,
    '--dbpath',
    '/usr/share/rpm',
    '--qf',
    '%{name} %|epoch?{%{epoch}:}:{}|%{version}-%{release}\\n',
  );
  const out = new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  expect(out.size).toBeGreaterThan(0);
  return new Map([...out].map(([n, v]) => [n, v.replace(/^0:/, '')]));
}

function booted(scene: Scene): string {
  return (JSON.parse(scene.must('coppice', 'instance', 'list', '--json')) as { booted: string }[])[0]!.booted;
}

describe.skipIf(reason !== undefined)(`generated worlds ${reason ?? ''}`, () => {
  test.each(seeds)('seed %i', async (seed) => {
    const world = generateWorld(seed);
    const scene = new Scene();
    try {
      await scene.lab({ world });
      scene.create('m');
      const base = installed(scene, 'm', booted(scene));
      expect([...base.keys()].sort()).toEqual(world.base.map((p) => p.name).sort());
      const [first, second] = world.repository as [WorldPackage, WorldPackage];
      const start = booted(scene);

      scene.mustInside('m', `rpm-ostree install ${first.name}`);
      scene.mustInside('m', `rpm-ostree install ${second.name}`);
      expect(scene.inside('m', first.name).status).toBe(127);
      scene.reboot('m');
      for (const p of [first, second]) expect(scene.mustInside('m', p.name)).toBe(`${p.name}: at your service\n`);
      const layered = installed(scene, 'm', booted(scene));
      expect(layered.get(first.name)).toBe(evr(world, first, 'stable'));
      expect(layered.get(second.name)).toBe(evr(world, second, 'stable'));
      for (const p of [first, second])
        if (p.post !== undefined)
          expect(scene.mustInside('m', `cat /usr/share/${p.name}-configured`)).toBe('configured\n');

      scene.mustInside('m', 'rpm-ostree rollback');
      scene.reboot('m');
      expect(booted(scene)).toBe(start);
      scene.mustInside('m', 'rpm-ostree rollback');
      scene.reboot('m');
      scene.mustInside('m', `rpm-ostree uninstall ${second.name}`);
      const before = installed(scene, 'm', booted(scene));
      const said = scene.mustInside('m', `rpm-ostree rebase -b ${world.remote}:${world.streams['testing']!.ref}`);
      scene.reboot('m');
      const after = installed(scene, 'm', booted(scene));
      // What the rebase says must be the difference of the two `rpm -qa`.
      const blocks = new Map<string, string[]>();
      let block = '';
      for (const line of said.split('\n')) {
        if (/^(Upgraded|Downgraded|Removed|Added):$/.test(line)) block = line.slice(0, -1);
        else if (line.startsWith('  ') && block !== '') blocks.set(block, [...(blocks.get(block) ?? []), line.trim()]);
        else block = '';
      }
      const changed = [...before]
        .filter(([n, v]) => after.has(n) && after.get(n) !== v)
        .map(([n, v]) => `${n} ${v} -> ${after.get(n)}`);
      expect([...(blocks.get('Upgraded') ?? []), ...(blocks.get('Downgraded') ?? [])].sort()).toEqual(changed.sort());
      const removed = [...before].filter(([n]) => !after.has(n)).map(([n, v]) => `${n}-${v}.${world.arch}`);
      expect((blocks.get('Removed') ?? []).sort()).toEqual(removed.sort());
      expect(scene.inside('m', second.name).status).toBe(127);
      expect(scene.mustInside('m', first.name)).toContain('at your service');
      scene.must('/usr/bin/ostree', 'fsck', '-q', `--repo=${scene.sysroot('m')}/ostree/repo`);
      const status = JSON.parse(scene.mustInside('m', 'rpm-ostree status --json')) as {
        deployments: { booted: boolean; packages: string[] }[];
      };
      expect(status.deployments.find((d) => d.booted)?.packages).toEqual([first.name]);
    } finally {
      await scene.end();
    }
  });
});
