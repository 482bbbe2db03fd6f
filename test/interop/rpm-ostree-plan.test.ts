// Plans against what then happens: after each of a seeded row of changes the files, packages, units and kernel arguments of the
// deployment differ from the one before by what the plan said; rpm lists the packages. Also plans that cannot be carried out.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage, createRepository, type PackageSpec } from '@coppice/rpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'rpm', 'bwrap', 'unshare');
const changes = Number(process.env['COPPICE_PLANS'] ?? 20);

interface PlanJson {
  readonly packages: Readonly<Record<'added' | 'removed', string[]>> &
    Readonly<Record<'upgraded' | 'downgraded', { from: string; to: string }[]>>;
  readonly files: { readonly paths: readonly { readonly path: string; readonly change: string }[] };
  readonly units: readonly { readonly path: string; readonly change: string }[];
  readonly scripts: readonly string[];
  readonly kernelArguments: readonly string[];
  readonly obstacles: readonly { readonly request: string; readonly reasons: string[]; readonly remedies: string[] }[];
}

/** Every file below /usr of a deployment, as its defaults say (`/etc` for `usr/etc`). */
function filesOf(tree: string, dir = 'usr', out = new Map<string, string>()): Map<string, string> {
  for (const name of readdirSync(join(tree, dir))) {
    const path = join(tree, dir, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) {
      filesOf(tree, `${dir}/${name}`, out);
      continue;
    }
    const content = stat.isSymbolicLink()
      ? readlinkSync(path)
      : createHash('sha256').update(readFileSync(path)).digest('hex');
    out.set(`/${dir}/${name}`.replace(/^\/usr\/etc\//, '/etc/'), `${stat.mode.toString(8)} ${content}`);
  }
  return out;
}

function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const out: string[] = [];
  for (const [path, what] of before)
    if (after.get(path) !== what) out.push(`${after.has(path) ? 'modified' : 'removed'} ${path}`);
  for (const path of after.keys()) if (!before.has(path)) out.push(`added ${path}`);
  return out.sort();
}

function* seeded(seed: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    yield x / 2 ** 32;
  }
}

const spec = (name: string, release: string, extra: Partial<PackageSpec> = {}): PackageSpec => ({
  name,
  version: '1',
  release,
  arch: 'noarch',
  summary: name,
  license: 'MIT',
  buildTime: 1_580_000_000,
  files: [
    { path: `/usr/share/${name}/data`, mode: 0o644, content: Buffer.from(`${name} ${release}`) },
    { path: `/usr/share/${name}/same`, mode: 0o644, content: Buffer.from(name) },
    { path: `/etc/${name}.conf`, mode: 0o644, content: Buffer.from(`release=${release}\n`) },
    { path: `/usr/lib/systemd/system/${name}.service`, mode: 0o644, content: Buffer.from(`[Unit]\nX=${release}\n`) },
    { path: `/var/lib/${name}`, mode: 0o755, type: 'directory' },
  ],
  ...extra,
});

describe.skipIf(reason !== undefined)(`plans ${reason ?? ''}`, () => {
  let node: Node;
  let extras: string;
  beforeAll(async () => {
    node = await Node.make();
    extras = join(node.dir, 'extras');
    mkdirSync(extras);
    publish([spec('alpha', '1'), spec('beta', '1', { requires: ['alpha'] }), spec('gamma', '1')]);
    const repo = `[extras]\nname=extras\nbaseurl=file://${extras}\ngpgcheck=0\n`;
    writeFileSync(join(node.trees()[0]!, 'etc/yum.repos.d/extras.repo'), repo);
  });
  afterAll(() => node.end());

  function publish(specs: readonly PackageSpec[]): void {
    for (const s of specs)
      writeFileSync(join(extras, `${s.name}-${s.version}-${s.release}.rpm`), buildPackage(s).bytes());
    createRepository(extras);
  }
  const planText = (...args: string[]) => node.plan(...args);
  const plan = async (...args: string[]): Promise<PlanJson> =>
    JSON.parse((await planText(...args, '--json', '--files')).text) as PlanJson;
  const options = (): string => {
    const entries = readdirSync(join(node.sysroot, 'boot/loader/entries')).sort();
    const text = readFileSync(join(node.sysroot, 'boot/loader/entries', entries.at(-1)!), 'utf8');
    return /^options (.*)$/m.exec(text)![1]!.replace(/ ?ostree=\S+/, '');
  };

  test(`${changes} seeded changes do what their plans said`, async () => {
    const random = seeded(31);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next().value * list.length)]!;
    const layered = new Set<string>();
    let branch = 'stable';
    let release = 1;
    for (let i = 0; i < changes; i++) {
      const missing = ['alpha', 'beta', 'gamma', 'buildah', 'tcpdump'].filter((p) => !layered.has(p));
      const kinds = ['rebase', 'publish', ...(missing.length > 0 ? ['install', 'install'] : [])];
      const kind = pick([...kinds, ...(layered.size > 0 ? ['swap'] : [])]);
      let planned: PlanJson;
      const before = filesOf(node.trees()[0]!);
      const packages = node.installed();
      let did: string;
      if (kind === 'install') {
        const name = pick(missing);
        did = `install ${name}`;
        planned = await plan('install', name);
        await node.must('install', name);
        layered.add(name);
      } else if (kind === 'swap' && missing.length > 0) {
        const [name, old] = [pick(missing), pick([...layered])];
        did = `install ${name} --uninstall ${old}`;
        planned = await plan('install', name, '--uninstall', old);
        await node.must('install', name, `--uninstall=${old}`);
        layered.delete(old);
        layered.add(name);
      } else if (kind === 'rebase') {
        branch = branch === 'stable' ? 'testing' : 'stable';
        did = `rebase ${branch}`;
        planned = await plan('rebase', `fedora/x86_64/coreos/${branch}`);
        await node.must('rebase', `fedora/x86_64/coreos/${branch}`);
      } else {
        release++;
        did = `upgrade to release ${release}`;
        publish([spec('alpha', String(release)), spec('gamma', String(release))]);
        planned = await plan('upgrade');
        await node.must('upgrade');
      }
      const step = `${i}: ${did}`;
      const installed = node.installed();
      const { added, removed, upgraded, downgraded } = planned.packages;
      const moved = [...upgraded, ...downgraded];
      expect({
        step,
        came: installed.filter((p) => !packages.includes(p)),
        went: packages.filter((p) => !installed.includes(p)),
      }).toEqual({
        step,
        came: [...added, ...moved.map((c) => c.to)].sort(),
        went: [...removed, ...moved.map((c) => c.from)].sort(),
      });
      // What scripts make of accounts is theirs; the plan names the scripts.
      const ofScripts = (line: string): boolean => /\/(passwd|group|shadow|gshadow|sub[ug]id)$/.test(line);
      const happened = changed(before, filesOf(node.trees()[0]!)).filter((line) => !ofScripts(line));
      const said = planned.files.paths.map((p) => `${p.change} ${p.path}`).sort();
      expect({ step, files: said.filter((line) => !ofScripts(line)) }).toEqual({ step, files: happened });
      const units = happened.filter((line) => /\/systemd\/(system|user)\/[^/]+\.[a-z]+$/.test(line));
      expect({ step, units: planned.units.map((u) => `${u.change} ${u.path}`).sort() }).toEqual({ step, units });
      expect({ step, options: planned.kernelArguments.join(' ') }).toEqual({ step, options: options() });
    }
    node.fsck();
  });

  test('a layered package that is gone names itself, and the commands that resolve it do', async () => {
    for (const name of ['alpha', 'beta', 'gamma'])
      if (!(await layeredNow()).includes(name)) await node.must('install', name);
    const branch = /coreos\/(stable|testing)/.exec(await node.must('status'))![1];
    const other = branch === 'stable' ? 'testing' : 'stable';
    for (const name of readdirSync(extras)) if (name.startsWith('alpha')) original('rm', join(extras, name));
    createRepository(extras);
    const refspec = `fedora/x86_64/coreos/${other}`;
    const { status, text } = await planText('rebase', refspec, '--offline-check');
    expect(status).toBe(2);
    expect(text).toContain('This cannot be done:\n  alpha\n    Packages not found: alpha\n');
    expect(text).toContain('      rpm-ostree uninstall alpha\n');
    const planned = await plan('rebase', refspec);
    expect(planned.obstacles.map((o) => o.request).sort()).toEqual(['alpha', 'beta']);
    // Both are in the way, so both have to go; then it resolves, and happens.
    expect((await planText('rebase', refspec, '--uninstall', 'alpha', 'beta', '--offline-check')).status).toBe(0);
    const dropped = await plan('uninstall', 'alpha', 'beta');
    expect(dropped.packages.removed.map((p) => p.slice(0, 5))).toEqual(['alpha', 'beta-']);
    expect(dropped.files.paths).toContainEqual({ path: '/usr/lib/systemd/system/alpha.service', change: 'removed' });
    const refused = await node.rpmOstree(['rebase', refspec, `--sysroot=${node.sysroot}`]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('alpha');
    await node.must('uninstall', 'alpha', 'beta');
    const again = await planText('rebase', refspec, '--offline-check');
    expect(again).toEqual({ status: 0, text: 'The layered packages resolve.\n' });
    await node.must('rebase', refspec);
    expect(await layeredNow()).not.toContain('alpha');
  });

  async function layeredNow(): Promise<string[]> {
    const status = JSON.parse(await node.must('status', '--json')) as {
      deployments: { 'requested-packages': string[] }[];
    };
    return status.deployments[0]!['requested-packages'];
  }

  test('files that do not go together are an obstacle that names the package', async () => {
    const unit = '/usr/lib/systemd/system/multi-user.target';
    publish([spec('clash', '1', { files: [{ path: unit, mode: 0o644, content: Buffer.from('other') }] })]);
    const planned = await plan('install', 'clash');
    expect(planned.obstacles).toMatchObject([{ request: 'clash', remedies: [] }]);
    expect(planned.obstacles[0]!.reasons[0]).toContain(`File exists: ${unit}`);
    const refused = await node.rpmOstree(['install', 'clash', `--sysroot=${node.sysroot}`]);
    expect(refused.stderr).toContain(unit);
  });
});
