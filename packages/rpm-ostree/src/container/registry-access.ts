// How a registry is reached: who we are there, and whose certificates count.
import { spawnSync } from 'node:child_process';
import { CoppiceError, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { hostFs, readFile } from '@coppice/linux';
import {
  certificatesFor,
  credentialsFor,
  type ImageReference,
  parseAuthFile,
  parseHelperAnswer,
  type RegistryCredentials,
  type RegistryOptions,
} from '@coppice/oci';

export interface RegistryAccess {
  /** Authentication files; the first that exists counts. */
  readonly authFiles: readonly string[];
  /** Folders with a folder of certificates for each registry. */
  readonly certificates: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly fs?: FileSystem;
  readonly signal?: AbortSignal;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What a system's own updates use: not what a user logged in to (ostree-ext, `get_global_authfile`). */
export function systemAccess(etc: string, usr: string, running: boolean): RegistryAccess {
  return {
    authFiles: [
      ...(running ? ['/run/ostree/auth.json'] : []),
      `${etc}/ostree/auth.json`,
      `${usr}/lib/ostree/auth.json`,
    ],
    certificates: [`${etc}/containers/certs.d`, `${etc}/docker/certs.d`],
  };
}

/** What whoever runs a command uses (before all, the file that the command line names), as skopeo and podman do (containers-auth.json(5)). */
export function userAccess(env: Environment, authFile?: string): RegistryAccess {
  const home = env['HOME'];
  const list: readonly (string | undefined)[] = [
    authFile,
    env['REGISTRY_AUTH_FILE'],
    env['XDG_RUNTIME_DIR'] === undefined ? undefined : `${env['XDG_RUNTIME_DIR']}/containers/auth.json`,
    process.getuid === undefined ? undefined : `/run/containers/${process.getuid()}/auth.json`,
    `${env['XDG_CONFIG_HOME'] ?? `${home}/.config`}/containers/auth.json`,
    env['DOCKER_CONFIG'] === undefined ? undefined : `${env['DOCKER_CONFIG']}/config.json`,
    home === undefined ? undefined : `${home}/.docker/config.json`,
  ];
  return {
    authFiles: list.filter((path): path is string => path !== undefined && path !== ''),
    certificates: [
      ...(home === undefined ? [] : [`${home}/.config/containers/certs.d`]),
      '/etc/containers/certs.d',
      '/etc/docker/certs.d',
    ],
    env,
  };
}

function askHelper(name: string, host: string, env: Environment): RegistryCredentials {
  const program = `docker-credential-${name}`;
  const done = spawnSync(program, ['get'], {
    input: host,
    encoding: 'utf8',
    env: { ...env },
    timeout: 30_000,
    maxBuffer: 1 << 20,
  });
  if (done.error !== undefined) throw new CoppiceError('Process', `${program}: ${done.error.message}`);
  if (done.status !== 0) throw new CoppiceError('Permission', `${program}: exited with ${done.status}`);
  return parseHelperAnswer(done.stdout, program);
}

/** Options for the registry of an image. Throws `Invalid` for files that say nothing sensible, never with a secret in it. */
export function registryOptions(
  image: Pick<ImageReference, 'host' | 'path'>,
  access: RegistryAccess | undefined,
): RegistryOptions {
  if (access === undefined) return {};
  const { fs = hostFs, env = process.env, signal } = access;
  const path = access.authFiles.find((p) => fs.stat(p) !== undefined);
  const tls = certificatesFor(access.certificates, image.host, fs);
  let credentials: RegistryCredentials | undefined;
  if (path !== undefined) {
    try {
      const found = credentialsFor(parseAuthFile(readFile(path, { fs, limit: 1 << 20 }), path), image);
      credentials = found?.kind === 'helper' ? askHelper(found.name, image.host, env) : found;
    } catch (error) {
      throw prefixError(error, 'Reading registry credentials');
    }
  }
  return {
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === undefined ? {} : { tls }),
    ...(signal === undefined ? {} : { signal }),
  };
}
