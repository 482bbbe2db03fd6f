// A system small enough to be made in a blink: a busybox tree committed straight into a sysroot's repository and deployed.

import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VariantDict } from '@coppice/gvariant';
import { MutableTree, Repo } from '@coppice/ostree';
import {
  deployTree,
  directoryHost,
  initFs,
  initStateroot,
  Origin,
  Sysroot,
  simpleWriteDeployment,
} from '@coppice/sysroot';
import type { Instance, StorageKind } from '../src/store.ts';
import { saveInstance } from '../src/store.ts';

export const busybox = '/bin/busybox';

export function writeTree(tree: string, version: string): void {
  for (const dir of [
    'usr/bin',
    'usr/lib/modules/1.0',
    'usr/etc',
    'boot',
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'var',
    'sysroot',
  ]) {
    mkdirSync(join(tree, dir), { recursive: true });
  }
  chmodSync(join(tree, 'tmp'), 0o1777);
  copyFileSync(busybox, join(tree, 'usr/bin/busybox'));
  for (const name of ['sh', 'ls', 'cat', 'stat', 'touch', 'id']) symlinkSync('busybox', join(tree, 'usr/bin', name));
  for (const [name, target] of [
    ['bin', 'usr/bin'],
    ['lib', 'usr/lib'],
    ['ostree', 'sysroot/ostree'],
    ['root', 'var/roothome'],
    ['home', 'var/home'],
  ] as const) {
    symlinkSync(target, join(tree, name));
  }
  writeFileSync(join(tree, 'usr/lib/modules/1.0/vmlinuz'), `kernel ${version}`);
  writeFileSync(join(tree, 'usr/lib/modules/1.0/initramfs.img'), 'initramfs');
  writeFileSync(join(tree, 'usr/lib/os-release'), `ID=small\nPRETTY_NAME="Small ${version}"\n`);
  writeFileSync(join(tree, 'usr/etc/version'), `${version}\n`);
  writeFileSync(join(tree, 'usr/etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
}

/** Commits the tree and deploys it as the default; a second call gives a rollback. */
export function deployVersion(instance: Instance, tree: string, version: string): void {
  const [osname, name] = instance.record.booted.split('/');
  const deployment = name === undefined ? undefined : `ostree/deploy/${osname}/deploy/${name}`;
  const host = directoryHost({ sysroot: instance.sysroot, deployment, run: join(instance.run, 'ostree') });
  const sysroot = Sysroot.open(instance.sysroot, { host, env: { OSTREE_SYSROOT_DEBUG: 'mutable-deployments' } });
  const { repo } = sysroot;
  const checksum = repo.transaction((transaction) => {
    const root = new MutableTree();
    transaction.writeDirectory(tree, root);
    const written = transaction.writeTree(root);
    const commit = transaction.writeCommit({
      ...written,
      metadata: new VariantDict(),
      parent: undefined,
      subject: version,
      body: '',
      timestamp: 1_600_000_000n,
    });
    transaction.setRef('small', commit);
    return commit;
  });
  const lock = sysroot.lock();
  try {
    simpleWriteDeployment(
      sysroot,
      deployTree(sysroot, 'small', checksum, Origin.fromRefspec('small'), { kernelArguments: ['quiet'] }),
      { osname: 'small' },
    );
  } finally {
    lock.release();
  }
}

export function smallInstance(dir: string, storage: StorageKind): Instance {
  const sysroot = join(dir, 'sysroot');
  mkdirSync(join(sysroot, 'ostree'), { recursive: true });
  Repo.create(join(sysroot, 'ostree/repo'), { mode: storage });
  initFs(sysroot, { epoch: 1 });
  const instance = saveInstance(dir, {
    version: 1,
    name: 'small',
    stream: 's',
    stateroot: 'small',
    storage,
    subordinate: false,
    booted: '',
    boots: 0,
    source: '',
  });
  initStateroot(
    Sysroot.open(sysroot, { host: directoryHost({ sysroot, deployment: undefined, run: join(dir, 'run/ostree') }) }),
    'small',
  );
  return instance;
}
