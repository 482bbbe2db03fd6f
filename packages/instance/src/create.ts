import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Progress, prefixError, silentProgress } from '@coppice/base';
import { removeTree } from '@coppice/linux';
import { addRemote, deleteRemote, importRemoteKeys, pull, pullProgressLine, Repo } from '@coppice/ostree';
import {
  deployTree,
  directoryHost,
  initFs,
  initStateroot,
  Origin,
  Sysroot,
  type SysrootLevel,
  simpleWriteDeployment,
} from '@coppice/sysroot';
import { bootInstance, instanceEnvironment } from './boot.ts';
import type { House } from './sandbox.ts';
import { type Source, streamOf } from './source.ts';
import { type Instance, reserveInstance, type StorageKind } from './store.ts';

export interface CreateOptions {
  readonly name: string;
  /** Text of an Ignition config. */
  readonly ignition: string;
  readonly stream: string;
  readonly source: Source;
  readonly house: House;
  /** Parent of the instances folder; default `dataHome()`. */
  readonly home?: string;
  readonly storage: StorageKind;
  readonly subordinate?: boolean;
  readonly kernelArguments?: readonly string[];
  readonly progress?: Progress;
  /** Release of libostree whose layout the deployment gets. */
  readonly compat?: SysrootLevel;
}

/** Where the source's public key lies inside. */
function keyPath(source: Source): string {
  return `/etc/pki/rpm-gpg/RPM-GPG-KEY-${source.description.remote}`;
}

/** The package repositories, for /etc/yum.repos.d. */
function repositoryFile(source: Source): string {
  const { description, url } = source;
  return Object.entries(description.packages)
    .map(
      ([id, path]) =>
        `[${id}]\nname=${description.name} ${id}\nbaseurl=${new URL(path, url).href}\nenabled=1\ngpgcheck=1\n` +
        `gpgkey=file://${keyPath(source)}\n`,
    )
    .join('\n');
}

/** The remote, for /etc/ostree/remotes.d: as in Fedora CoreOS it belongs to the tree's configuration, not to the repository's. */
function remoteFile(source: Source, url: string): string {
  return `[remote "${source.description.remote}"]\nurl=${url}\ngpg-verify=true\ngpgkeypath=/etc/pki/rpm-gpg/\n`;
}

/**
 * Provisions an instance: initializes the sysroot, pulls the stream's commit over HTTP with signature check, deploys it, and
 * boots it once so that the Ignition config is applied. On any failure nothing is left. Throws `Exists` when the name is taken.
 */
export async function createInstance(options: CreateOptions): Promise<Instance> {
  const { source, progress = silentProgress } = options;
  const { description } = source;
  const stream = streamOf(source, options.stream);
  const dir = reserveInstance(options.name, options.home);
  try {
    const path = join(dir, 'sysroot');
    mkdirSync(path, { mode: 0o755 });
    mkdirSync(join(path, 'ostree'), { mode: 0o755 });
    const created = Repo.create(join(path, 'ostree/repo'), { mode: options.storage });
    // As Fedora CoreOS has it: the entries are all the boot loader needs.
    created.config.setString('sysroot', 'bootloader', 'none');
    created.config.setBoolean('sysroot', 'readonly', true);
    created.writeConfig();
    initFs(path, { epoch: 1 });
    const run = join(dir, 'run');
    const sysroot = Sysroot.open(path, {
      host: directoryHost({ sysroot: path, deployment: undefined, run: join(run, 'ostree') }),
      env: instanceEnvironment,
      ...(options.compat === undefined ? {} : { compat: options.compat }),
    });
    initStateroot(sysroot, description.stateroot);
    const { repo } = sysroot;
    const url = new URL(description.ostree, source.url).href.replace(/\/$/, '');
    addRemote(repo, description.remote, { url, keys: [['gpg-verify', true]] });
    importRemoteKeys(repo, description.remote, [source.key]);
    progress({ type: 'begin', step: 'Pulling' });
    await pull(repo, {
      remote: description.remote,
      refs: [stream.ref],
      progress: (counters) =>
        progress({
          type: 'update',
          step: 'Pulling',
          done: counters.fetchedContent + counters.fetchedMetadata,
          detail: pullProgressLine(counters),
        }),
    });
    progress({ type: 'end', step: 'Pulling' });
    // From the first boot on, the remote is in /etc; see `remoteFile`.
    deleteRemote(repo, description.remote);
    const refspec = `${description.remote}:${stream.ref}`;
    progress({ type: 'begin', step: 'Deploying' });
    const lock = sysroot.lock();
    try {
      const deployment = deployTree(
        sysroot,
        description.stateroot,
        repo.resolveRev(refspec),
        Origin.fromRefspec(refspec),
        {
          kernelArguments: [
            'root=UUID=coppice',
            'rw',
            ...description.kernelArguments,
            ...(options.kernelArguments ?? []),
          ],
        },
      );
      simpleWriteDeployment(sysroot, deployment, { osname: description.stateroot });
    } finally {
      lock.release();
    }
    progress({ type: 'end', step: 'Deploying' });
    writeFileSync(join(path, 'boot/ignition.firstboot'), '');
    writeFileSync(join(dir, 'config.ign'), options.ignition, { mode: 0o600 });
    const first: Record<string, string | Uint8Array> = {
      [`/etc/yum.repos.d/${description.remote}.repo`]: repositoryFile(source),
      [`/etc/ostree/remotes.d/${description.remote}.conf`]: remoteFile(source, url),
      [keyPath(source)]: source.key,
    };
    return await bootInstance(
      {
        record: {
          version: 1,
          name: options.name,
          stream: options.stream,
          stateroot: description.stateroot,
          storage: options.storage,
          subordinate: options.subordinate ?? false,
          booted: '',
          boots: 0,
          source: source.url,
        },
        dir,
        sysroot: path,
        run,
        tmp: join(dir, 'tmp'),
      },
      { house: options.house, firstBootFiles: first },
    );
  } catch (error) {
    removeTree(dir);
    throw prefixError(error, `creating instance ${options.name}`);
  }
}
