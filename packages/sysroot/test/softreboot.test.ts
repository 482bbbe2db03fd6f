// Soft reboots and state overlays without mounting anything: what is asked of mount(8), and the records around it.

import { generateKeyPairSync } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { hostFs } from '@coppice/linux';
import { engineSignCommit } from '@coppice/ostree';
import { signEngine } from '@coppice/signing';
import {
  bootComplete,
  clearSoftReboot,
  composefsOfTree,
  type Deployment,
  deployTree,
  directoryHost,
  mountNextRoot,
  Origin,
  prepareSoftReboot,
  pruneStateOverlay,
  Sysroot,
  simpleWriteDeployment,
  undeploy,
} from '@coppice/sysroot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPrepareRoot, parsePrepareRoot } from '../src/prepareroot.ts';
import { commitFiles, makeSysroot, scratch, testEnv, tree, writeFiles } from './world.ts';

/** What ostree 2026.4 wrote; device and inode number are at 32 and 40. */
const original = Buffer.from(
  [
    'YmFja2luZy1yb290LWRldmljZS1pbm9kZQAAAAAAAAAA/gAAAAAAAJQEMgAAAAAAACh0dCkaAAByb290LnRyYW5zaWVudAAAAABi',
    'DwAAAAByb290LnRyYW5zaWVudC1ybwAAAAAAAAAAAGISAAAAAGNvbXBvc2VmcwAAAAAAAAABAGIKAAAAAGNvbXBvc2Vmcy52ZXJp',
    'dHkAAAAAAAAAAAAAYhEAAAAAc3lzcm9vdC1ybwAAAAAAAAEAYgs2TGyEpLw=',
  ].join(''),
  'base64',
);

describe('a soft reboot', () => {
  let work: string;
  let path: string;
  let calls: string[];
  let fails: string | undefined;
  const open = (): Sysroot => {
    const deployments = Sysroot.open(path, { env: testEnv }).deployments;
    const run = join(path, 'run/ostree');
    const host = directoryHost({
      sysroot: path,
      deployment: deployments.at(-1)!.path,
      run,
      varPath: join(path, 'var'),
    });
    return Sysroot.open(path, {
      env: testEnv,
      host,
      run: (argv) => {
        calls.push(argv.join(' ').replaceAll(path, ''));
        if (fails !== undefined && argv.join(' ').includes(fails)) throw Object.assign(new Error(fails), { code: 'x' });
      },
    });
  };

  beforeEach(() => {
    work = scratch();
    path = join(work, 's');
    calls = [];
    fails = undefined;
    mkdirSync(path);
    const { repo } = makeSysroot(path, { env: testEnv });
    mkdirSync(join(path, 'run/ostree/.private'), { recursive: true });
    const config = { 'usr/lib/ostree/prepare-root.conf': '[composefs]\nenabled=yes\n' };
    for (const [name, files] of Object.entries({
      one: { ...tree, ...config },
      two: { ...tree, ...config, 'usr/bin/new': 'new\n' },
      three: { ...tree, ...config, 'usr/lib/modules/6.1/vmlinuz': 'kernel 2\n' },
    })) {
      const sysroot = Sysroot.open(path, { env: testEnv });
      const fresh = deployTree(sysroot, 'os', commitFiles(repo, name, files), Origin.fromRefspec(name));
      simpleWriteDeployment(sysroot, fresh, { osname: 'os', retain: true });
      writeFileSync(join(path, fresh.path, '.ostree.cfs'), 'an image');
    }
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  it('mounts image, boot, etc and sysroot, records it, and takes it back', () => {
    const sysroot = open();
    const target = sysroot.deployments[1]!;
    prepareSoftReboot(sysroot, target);
    const made = ['systemctl start', 'mount -t erofs', 'mount -t overlay', 'umount -l', 'mount --bind etc'];
    for (const [i, start] of made.entries()) expect(calls[i]).toContain(start);
    const record = readFileSync(join(path, 'run/ostree/nextroot-booted'));
    const { dev, ino } = lstatSync(join(path, target.path));
    const want = Buffer.from(original);
    want.writeBigUInt64LE(BigInt(dev), 32);
    want.writeBigUInt64LE(BigInt(ino), 40);
    expect(record.toString('latin1')).toBe(want.toString('latin1'));
    expect(open().deployments.map((d) => d.softRebootTarget)).toEqual([false, true, false]);
    calls = [];
    clearSoftReboot(open());
    expect(calls).toEqual(['umount -R /run/nextroot']);
    expect(open().deployments.some((d) => d.softRebootTarget)).toBe(false);
  });

  it('refuses another kernel, and unmounts what a failure left', () => {
    const sysroot = open();
    expect(() => prepareSoftReboot(sysroot, sysroot.deployments[0]!)).toThrow(
      'Preparing /run/nextroot for a soft-reboot: Cannot soft-reboot to deployment with different kernel state',
    );
    expect(calls).toEqual([]);
    fails = '-t overlay';
    expect(() => prepareSoftReboot(sysroot, sysroot.deployments[1]!)).toThrow('Child process exited with code 1');
    expect(calls.at(-1)).toBe('umount -R /run/nextroot');
  });

  it('is forgotten with its deployment, and completed at boot', () => {
    const before = open();
    prepareSoftReboot(before, before.deployments[1]!);
    const after = open();
    undeploy(after, after.deployments[1]!);
    expect(hostFs.stat(join(path, 'run/ostree/nextroot-booted'))).toBeUndefined();
    writeFileSync(join(path, 'run/ostree/nextroot-booted'), original);
    // Its inode is of no deployment here.
    expect(open().deployments.some((d) => d.softRebootTarget)).toBe(false);
    expect(hostFs.stat(join(path, 'run/ostree/nextroot-booted'))).toBeUndefined();
    const sysroot = open();
    writeFileSync(join(path, 'run/ostree/nextroot-booted'), original);
    bootComplete(sysroot);
    expect(readFileSync(join(path, 'run/ostree-booted')).equals(original)).toBe(true);
    writeFileSync(join(path, 'run/ostree/nextroot-booted'), 'x');
    expect(() => open()).toThrow('loading sysroot: Loading nextroot: Missing backing-root-device-inode key in ');
  });

  it('reads prepare-root.conf and its kernel argument', () => {
    const read = (text: string, cmdline = '') => {
      writeFiles(work, { 'usr/lib/ostree/prepare-root.conf': text });
      return parsePrepareRoot(loadPrepareRoot(hostFs, work), { cmdline });
    };
    expect(read('')).toMatchObject({ composefs: 'no', rootTransient: 'no', etcTransient: false });
    expect(read('[composefs]\nenabled=signed\n')).toMatchObject({
      composefs: 'yes',
      signed: true,
      requireVerity: true,
    });
    expect(read('[composefs]\nenabled=signed\n', 'a ostree.prepare-root.composefs=maybe')).toMatchObject({
      composefs: 'maybe',
      signed: false,
    });
    expect(() => read('[composefs]\nenabled=sometimes\n')).toThrow('Parsing rootfs config: Invalid tri-state value');
    expect(() => read('[root]\ntransient=1\ntransient-ro=1\n')).toThrow('Cannot set both');
    writeFiles(work, { 'etc/ostree/prepare-root.conf': '[etc]\ntransient=true\n' });
    expect(read('[composefs]\nenabled=yes\n')).toMatchObject({ composefs: 'no', etcTransient: true });
  });

  it('asks for a signature, and for the image that the signed commit promises', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64');
    const mine = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
    const other = Buffer.alloc(32, 1).toString('base64');
    const sysroot = Sysroot.open(path, { env: testEnv });
    const { repo } = sysroot;
    const keyPath = join(work, 'binding.key');
    const config = { 'usr/lib/ostree/prepare-root.conf': `[composefs]\nenabled=signed\nkeypath=${keyPath}\n` };
    const files = { ...tree, ...config };
    const plain = repo.loadCommit(commitFiles(repo, 'plain', files));
    const { image, digest } = composefsOfTree(repo, plain);
    const promised = repo.transaction((txn) =>
      txn.writeCommit({
        ...plain,
        metadata: new VariantDict([['ostree.composefs.digest.v0', new Variant('ay', digest)]]),
      }),
    );
    const deployments = [repo.resolveRev('plain'), promised].map((commit) =>
      deployTree(sysroot, 'os', commit, undefined),
    );
    let measured: Buffer | undefined;
    const mount = ({ path: deployment }: { path: string }): string => {
      calls = [];
      try {
        mountNextRoot({
          fs: { ...hostFs, measureVerity: () => measured },
          run: (argv) => void calls.push(argv.join(' ')),
          tree: join(path, deployment),
          physicalRoot: path,
          runtime: join(path, 'run'),
          cmdline: '',
        });
        return 'mounted';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const [unpromised, good] = deployments as [Deployment, Deployment];
    for (const deployment of deployments) writeFileSync(join(path, deployment.path, '.ostree.cfs'), image);
    expect(mount(good)).toContain(`Reading public key file '${keyPath}': Failed to open file`);
    writeFileSync(keyPath, '\n');
    expect(mount(good)).toBe('Parsing rootfs config: public key file specified, but no public keys found');
    writeFileSync(keyPath, `${other}\n${mine}\n`);
    const failed = 'failed to mount composefs: ';
    expect(mount(good)).toBe(`${failed}No commitmeta for deploy ${promised}`);
    repo.writeDetachedMetadata(promised, new VariantDict([['a', Variant.string('b')]]));
    expect(mount(good)).toBe(`${failed}Signature validation requested, but no signatures in commit`);
    const engine = signEngine('ed25519');
    for (const commit of [unpromised.checksum, promised]) engineSignCommit(repo, commit, engine, seed);
    expect(mount(unpromised)).toBe(`${failed}Signature validation requested, but no valid digest in commit`);
    expect(mount(good)).toBe(`${failed}composefs: failed to mount: fsverity not enabled on composefs image`);
    measured = Buffer.alloc(32);
    expect(mount(good)).toBe(`${failed}composefs: failed to mount: Wrong fsverity digest in composefs image`);
    writeFileSync(keyPath, `${other}\n`);
    expect(mount(good)).toBe(`${failed}Checking commit signature: No valid (of 1) signatures found`);
    writeFileSync(keyPath, 'c2hvcnQ=\n');
    expect(mount(good)).toContain('signature verification failed: Invalid public key of 5 expected 32');
    writeFileSync(keyPath, `${other}\n${mine}\n`);
    measured = digest;
    expect(mount(good)).toBe('mounted');
    expect(calls.some((call) => call.includes('verity=require'))).toBe(true);
    const record = VariantDict.decode(readFileSync(join(path, 'run/ostree/nextroot-booted')));
    expect(record.lookup('composefs.signed', 's')).toBe(keyPath);
    expect(record.lookup('composefs.verity', 'b')).toBe(true);
  });

  it('prunes of a state overlay what the deployment has itself', () => {
    const [lower, upper] = [join(work, 'lower'), join(work, 'upper')];
    writeFiles(lower, { a: '1', 'both/given': '1', 'file/x': '1', dir: '1' });
    writeFiles(upper, { a: '2', mine: '2', 'both/given': '2', 'both/mine': '2', file: '2', 'dir/x': '2' });
    pruneStateOverlay(hostFs, lower, upper);
    expect(hostFs.readdir(upper).sort()).toEqual(['both', 'mine']);
    expect(hostFs.readdir(join(upper, 'both'))).toEqual(['mine']);
  });
});
