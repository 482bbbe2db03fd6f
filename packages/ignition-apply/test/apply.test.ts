import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyIgnition } from '@coppice/ignition-apply';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const isRoot = process.getuid?.() === 0;
let work = '';
let root = '';
let outside = '';

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'coppice-apply-'));
  root = join(work, 'root');
  outside = join(work, 'outside');
  mkdirSync(join(root, 'etc'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), 'kept');
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/shadow'), 'root:*:1:0:99999:7:::\n');
  writeFileSync(join(root, 'etc/gshadow'), 'root:::\n');
  chmodSync(join(root, 'etc/shadow'), 0);
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const config = (body: object, version = '3.4.0'): string => JSON.stringify({ ignition: { version }, ...body });
const data = (text: string): object => ({ source: `data:,${encodeURIComponent(text)}` });

describe.skipIf(!isRoot)('applyIgnition (needs root for owners)', () => {
  it('makes directories, files, links, units and presets', async () => {
    const done = await applyIgnition(
      root,
      config({
        storage: {
          directories: [{ path: '/opt/a', mode: 0o700 }],
          files: [
            { path: '/opt/a/f', mode: 0o640, contents: data('x\n'), append: [data('y\n')] },
            { path: '/var/deep/er/g', contents: data('') },
          ],
          links: [
            { path: '/etc/l', target: '/opt/a/f' },
            { path: '/etc/hard', target: '/opt/a/f', hard: true },
          ],
        },
        systemd: {
          units: [
            { name: 'a.service', enabled: true, contents: '[Service]\nExecStart=/a\n[Install]\nWantedBy=b.target\n' },
            { name: 'b.service', mask: true },
            { name: 'c.service', dropins: [{ name: 'd.conf', contents: '[Service]\n' }] },
          ],
        },
      }),
    );
    const at = (path: string): string => join(root, path);
    expect(readFileSync(at('opt/a/f'), 'utf8')).toBe('x\ny\n');
    expect(statSync(at('opt/a/f')).mode & 0o7777).toBe(0o640);
    expect(statSync(at('opt/a')).mode & 0o7777).toBe(0o700);
    expect(readlinkSync(at('etc/l'))).toBe('/opt/a/f');
    expect(statSync(at('etc/hard')).ino).toBe(statSync(at('opt/a/f')).ino);
    expect(readlinkSync(at('etc/systemd/system/b.service'))).toBe('/dev/null');
    expect(existsSync(at('etc/systemd/system/c.service.d/d.conf'))).toBe(true);
    expect(readFileSync(at('etc/systemd/system-preset/20-ignition.preset'), 'utf8')).toContain('enable a.service\n');
    expect(done.touched).toContain('/opt/a/f');
  });

  it('makes users with keys', async () => {
    await applyIgnition(
      root,
      config({
        passwd: { users: [{ name: 'core', uid: 1234, sshAuthorizedKeys: ['ssh-ed25519 AAAA'], passwordHash: '$y$x' }] },
      }),
    );
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(/^core:x:1234:/m);
    expect(readFileSync(join(root, 'etc/shadow'), 'utf8')).toMatch(/^core:\$y\$x:/m);
    const keys = join(root, 'home/core/.ssh/authorized_keys.d/ignition');
    expect(readFileSync(keys, 'utf8')).toBe('ssh-ed25519 AAAA\n\n'.replace('\n\n', '\n'));
    expect(statSync(keys).uid).toBe(1234);
  });

  it.each([
    ['an absolute link to a directory', 'd', (): string => outside],
    ['a relative link upwards', 'd', (): string => '../../../../../../../../..'],
    ['a chain of links', 'd', (): string => '/e'],
  ])('stays inside: %s', async (_, name, target) => {
    symlinkSync(target(), join(root, name));
    symlinkSync(outside, join(root, 'e'));
    await applyIgnition(
      root,
      config({
        storage: {
          files: [{ path: `/${name}/new`, contents: data('x') }],
          directories: [{ path: `/${name}/sub/dir` }],
        },
      }),
    ).catch(() => undefined);
    expect(readdirSync(outside)).toEqual(['kept']);
    expect(existsSync('/new')).toBe(false);
  });

  it('replaces a link in place of a file, and does not write through it', async () => {
    symlinkSync(join(outside, 'kept'), join(root, 'etc/f'));
    await applyIgnition(
      root,
      config({ storage: { files: [{ path: '/etc/f', overwrite: true, contents: data('x') }] } }),
    );
    expect(lstatSync(join(root, 'etc/f')).isFile()).toBe(true);
    expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('kept');
  });

  it.each(['home', 'etc/systemd', 'etc/systemd/system'])(
    'keeps accounts and units inside when %s is a link',
    async (path) => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      symlinkSync(outside, join(root, path));
      await applyIgnition(
        root,
        config({
          passwd: { users: [{ name: 'core', sshAuthorizedKeys: ['k'] }] },
          systemd: {
            units: [{ name: 'a.service', enabled: true, contents: '[Service]\n[Install]\nWantedBy=a.target\n' }],
          },
        }),
      ).catch(() => undefined);
      expect(readdirSync(outside)).toEqual(['kept']);
    },
  );

  it('verifies what it fetches', async () => {
    const files = (hash: string): object => ({
      storage: { files: [{ path: '/a', contents: { source: 'https://x.example/a', verification: { hash } } }] },
    });
    const fetch = async (): Promise<Uint8Array> => new TextEncoder().encode('abc');
    const good = 'sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    await applyIgnition(root, config(files(good)), { fetch });
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('abc');
    rmSync(join(root, 'a'));
    await expect(applyIgnition(root, config(files(good.replace('ba78', 'ba79'))), { fetch })).rejects.toThrow(/hash/);
    expect(existsSync(join(root, 'a'))).toBe(false);
  });

  it('merges and replaces configs', async () => {
    const served: Record<string, string> = {
      'https://x.example/merge': config({ storage: { files: [{ path: '/b', contents: data('merged') }] } }),
      'https://x.example/loop': '',
    };
    served['https://x.example/loop'] = config({
      ignition: { version: '3.4.0', config: { replace: { source: 'https://x.example/loop' } } },
    });
    const fetch = async (request: { readonly url: string } | string): Promise<Uint8Array> =>
      new TextEncoder().encode(served[typeof request === 'string' ? request : request.url] ?? '');
    const merge = { ignition: { version: '3.4.0', config: { merge: [{ source: 'https://x.example/merge' }] } } };
    await applyIgnition(root, JSON.stringify(merge), { fetch: fetch as never });
    expect(readFileSync(join(root, 'b'), 'utf8')).toBe('merged');
    const loop = { ignition: { version: '3.4.0', config: { replace: { source: 'https://x.example/loop' } } } };
    await expect(applyIgnition(root, JSON.stringify(loop), { fetch: fetch as never })).rejects.toThrow(/deep/);
  });

  it('lists what needs a disk', async () => {
    const disks = config({ storage: { disks: [{ device: '/dev/vdb', wipeTable: true }], raid: [], filesystems: [] } });
    await expect(applyIgnition(root, disks)).rejects.toThrow(/\/dev\/vdb/);
    expect((await applyIgnition(root, disks, { disks: 'skip' })).skipped.join()).toContain('/dev/vdb');
  });

  it('refuses a config that is not valid and writes nothing', async () => {
    const before = readdirSync(root, { recursive: true });
    for (const text of ['', '{', '{"ignition":{"version":"2.0.0"}}', config({ storage: { files: [{ path: 'x' }] } })])
      await expect(applyIgnition(root, text)).rejects.toThrow();
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });
});
