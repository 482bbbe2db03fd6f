// Every --json output against its published schema, and what a shell is offered to complete, on a system with layers, overrides and a pending change.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '@coppice/rpm';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Context, memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { complete } from '../../packages/coppice/src/coppice/completion/complete.ts';
import { Node, original, skipReason } from './rpm-ostree-support.ts';

const reason = skipReason('/usr/bin/ostree', 'bwrap');

function check(name: string, text: string): Record<string, unknown> {
  const schema = JSON.parse(
    readFileSync(new URL(`../../packages/rpm-ostree/schemas/${name}.schema.json`, import.meta.url), 'utf8'),
  );
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  const value = JSON.parse(text) as Record<string, unknown>;
  expect(validate(value), JSON.stringify(validate.errors, null, 1)).toBe(true);
  return value;
}

describe.skipIf(reason !== undefined)(`JSON output ${reason ?? ''}`, () => {
  let node: Node;
  beforeAll(async () => {
    node = await Node.make();
    await node.must('install', 'tcpdump');
    mkdirSync(join(node.dir, 'rpms'));
    const path = join(node.dir, 'rpms/socat.rpm');
    const built = buildPackage({
      name: 'socat',
      version: '99',
      release: '1',
      arch: 'x86_64',
      summary: 'socat',
      license: 'none',
      buildTime: 1_580_000_000,
      files: [{ path: '/usr/bin/socat', mode: 0o755, content: Buffer.from('new') }],
    });
    writeFileSync(path, built.bytes());
    await node.must('override', 'replace', path);
    await node.must('override', 'remove', 'whois-nls');
    await node.must('kargs', '--append=quiet');
  });
  afterAll(() => node.end());

  test('status', async () => {
    const value = check('rpm-ostree-status', await node.must('status', '--json'));
    const [first] = value['deployments'] as Record<string, unknown>[];
    expect(first!['packages']).toEqual(['tcpdump']);
    expect((first!['base-removals'] as unknown[][])[0]![1]).toBe('whois-nls');
    expect((first!['base-local-replacements'] as unknown[][][])[0]![0]![0]).toBe('socat-99-1.x86_64');
  });
  test('db diff', async () => {
    check('rpm-ostree-db-diff', await node.must('db', 'diff', '--format=json'));
  });
  test('history', async () => {
    const value = check('rpm-ostree-history', await node.must('ex', 'history', '--json', '--all'));
    expect((value['deployments'] as unknown[]).length).toBeGreaterThan(0);
  });

  const plan = (...args: string[]) => node.plan(...args);

  test('plans: install, rebase, one that cannot be; nothing is touched', async () => {
    const before = node.trees();
    const install = check('node-plan', (await plan('install', 'buildah', '--json')).text);
    expect(install['packages']).toMatchObject({ added: ['buildah-1.12.0-2.fc31.x86_64'] });
    expect(install['reboot']).toBe('live');
    const rebase = check('node-plan', (await plan('rebase', 'fedora/x86_64/coreos/testing', '--json')).text);
    expect(rebase['reboot']).toBe('needed');
    const wrong = await plan('install', 'nosuch', '--json');
    expect(wrong.status).toBe(2);
    expect(check('node-plan', wrong.text)['obstacles']).toMatchObject([
      { request: 'nosuch', reasons: ['Packages not found: nosuch'] },
    ]);
    expect(node.trees()).toEqual(before);
  });

  test('a plan with a package file leaves the store as it is; the install does what it said', async () => {
    const path = join(node.dir, 'rpms/extra.rpm');
    const extra = buildPackage({
      name: 'extra',
      version: '1',
      release: '2',
      arch: 'x86_64',
      summary: 'extra',
      license: 'none',
      buildTime: 1_580_000_000,
      requires: [{ name: 'buildah', flags: 0, evr: '' }],
      files: [{ path: '/usr/bin/extra', mode: 0o755, content: Buffer.from('extra') }],
    });
    writeFileSync(path, extra.bytes());
    const refs = original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs');
    const planned = check('node-plan', (await plan('install', path, '--json')).text);
    expect(original('/usr/bin/ostree', `--repo=${node.repo}`, 'refs')).toBe(refs);
    const before = node.installed();
    await node.must('install', path);
    const after = node.installed();
    expect(after.filter((p) => !before.includes(p))).toEqual((planned['packages'] as { added: string[] }).added);
    await node.must('uninstall', 'extra-1-2.x86_64');
    await expect(plan('install', join(node.dir, 'absent.rpm'))).rejects.toThrow(/absent\.rpm failed: No such file/);
  });

  test('what a plan says is what an install does', async () => {
    const planned = check('node-plan', (await plan('install', 'buildah', '--json')).text);
    const before = node.installed();
    await node.must('install', 'buildah');
    const after = node.installed();
    expect(after.filter((p) => !before.includes(p))).toEqual((planned['packages'] as { added: string[] }).added);
  });
  test('completion offers what is on the system, in its cached metadata, and nothing else', async () => {
    const context: Context = {
      program: 'coppice',
      env: {},
      cwd: node.dir,
      stdin: { isTTY: false },
      stdout: memoryOutput(),
      stderr: memoryOutput(),
    };
    const offer = (...words: string[]) =>
      complete(context, 'rpm-ostree', [words[0]!, `--sysroot=${node.sysroot}`, ...words.slice(1)]);
    expect(await offer('uninstall', 'tc')).toEqual(['tcpdump']);
    expect(await offer('install', 'tcpd')).toEqual(['tcpdump']);
    expect(await offer('upgrade', '--uninstall=t')).toEqual(['--uninstall=tcpdump']);
    expect(await offer('override', 'reset', '')).toEqual(['socat-99-1.x86_64', 'whois-nls']);
    expect(await offer('override', 'remove', 'zc')).toEqual(['zchunk-libs']);
    expect(await offer('kargs', '--delete', '')).toEqual(['quiet', 'root=LABEL=root']);
    expect(await offer('status', '--stateroot', '')).toEqual([]);
    expect(await offer('rebase', 'fedora:')).toEqual(['fedora:fedora/x86_64/coreos/stable']);
    expect(await offer('initramfs', '--en')).toEqual(['--enable']);
    expect(await complete(context, 'rpm-ostree', ['override', 're'])).toEqual(['remove', 'replace', 'reset']);
    expect(await complete(context, 'rpm-ostree', ['--sysroot=/nope', 'uninstall', ''])).toEqual([]);
    expect(await complete(context, 'rpm-ostree', ['nosuch', ''])).toEqual([]);
    expect(await complete(context, 'coppice', ['no'])).toEqual(['node']);
    expect(await complete(context, 'coppice', ['repo', 'dep'])).toEqual(['depsolve']);
    expect(await complete(context, 'coppice', ['node', 'sbom', '--sysr'])).toEqual(['--sysroot=']);
    expect(await complete(context, 'coppice', ['rpm-ostree', 'upgrade', '--che'])).toEqual(['--check']);
  });
});
