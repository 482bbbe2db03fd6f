// Secure execution of IBM Z: kernel, arguments and an initramfs with the keys of the encrypted disks become one image that only
// this machine can decrypt, on a partition of its own (ostree-bootloader-zipl.c).

import { randomBytes } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { CoppiceError, errnoError, isCoppiceError, messageOf, prefixError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import { chunksOf, readFile } from '@coppice/linux';
import type { Bit } from '../bootlinks.ts';
import type { BootLoaderContext } from './bootloader.ts';
import { encodeNewc } from './newc.ts';

const partition = '/dev/disk/by-label/se';
const mountPoint = '/sysroot/se';
const image = `${mountPoint}/sdboot`;
const hostKeys = '/etc/se-hostkeys/';
const secrets = ['/etc/crypttab', '/etc/luks/boot', '/etc/luks/root'];

/** Whether a file of the kernel's says `1`; undefined when it is not there. */
export function kernelFlag(fs: FileSystem, path: string): boolean | undefined {
  if (fs.stat(path) === undefined) return undefined;
  return readFile(path, { fs, limit: 4096 }).includes('1');
}

/** This system was started under secure execution. */
export const underSecureExecution = (fs: FileSystem): boolean =>
  kernelFlag(fs, '/sys/firmware/uv/prot_virt_guest') === true;

const told = (error: unknown, about: string): CoppiceError => prefixError(errnoError(error, about), 's390x SE');

function listKeys(fs: FileSystem): string[] {
  let names: string[];
  try {
    names = fs.readdir(hostKeys);
  } catch (error) {
    throw prefixError(errnoError(error, `opendir(${hostKeys})`), 's390x SE: looking for SE keys');
  }
  const keys = names.filter((name) => name.startsWith('ibm-z-hostkey')).map((name) => `${hostKeys}${name}`);
  if (keys.length === 0) throw new CoppiceError('NotFound', 's390x SE: no keys');
  return keys;
}

function runStep(context: BootLoaderContext, argv: readonly [string, ...string[]]): void {
  const [program] = argv;
  try {
    context.run(argv, {});
  } catch (error) {
    const started = !isCoppiceError(error, 'Process') || !messageOf(error).startsWith('Failed to execute');
    throw prefixError(error, started ? `s390x SE: \`${program}\` failed` : `s390x SE: spawning ${program}`);
  }
}

/** A file without a name, for one program that reads it through /proc: it holds keys. */
function nameless(context: BootLoaderContext, about: string): number {
  const { fs, env } = context;
  const path = `${env['TMPDIR'] ?? '/var/tmp'}/.coppice-se-${randomBytes(8).toString('hex')}`;
  try {
    const fd = fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    fs.unlink(path);
    return fd;
  } catch (error) {
    throw told(error, about);
  }
}

function writeInitramfs({ fs }: BootLoaderContext, fd: number, initramfs: string): void {
  let source: number;
  try {
    source = fs.open(initramfs, constants.O_RDONLY);
  } catch (error) {
    throw told(errnoError(error, `openat(${initramfs})`), 'opening initrd');
  }
  try {
    for (const chunk of chunksOf(fs, source)) fs.write(fd, chunk, 0, chunk.length, null);
  } catch (error) {
    throw told(error, 'copying ramdisk');
  } finally {
    fs.close(source);
  }
  // The kernel unpacks what follows over what came before.
  const members = ['/etc', '/etc/luks', ...secrets].map((name) => {
    const stat = fs.stat(name);
    if (stat === undefined) throw told({ code: 'ENOENT' }, `stat(${name}) failed`);
    const content = secrets.includes(name) ? readFile(name, { fs, limit: 16 << 20 }) : Buffer.alloc(0);
    return { name, stat, content };
  });
  const archive = gzipSync(encodeNewc(members));
  fs.write(fd, archive, 0, archive.length, null);
}

function makeImage(context: BootLoaderContext, bootVersion: Bit, keys: readonly string[]): void {
  const { fs, compat } = context;
  const entry = context.entries(bootVersion)[0];
  if (entry === undefined) throw new CoppiceError('NotFound', 's390x SE: no bls config');
  const [kernel, initramfs, options] = ['linux', 'initrd', 'options'].map((key) => {
    const value = entry.get(key);
    if (value === undefined) throw new CoppiceError('Invalid', `s390x SE: no "${key}" key in bootloader config`);
    return value;
  }) as [string, string, string];
  const open: number[] = [];
  try {
    const commandLine = nameless(context, 'opening cmdline file');
    open.push(commandLine);
    const text = Buffer.from(options);
    fs.write(commandLine, text, 0, text.length, null);
    if (secrets.some((path) => fs.stat(path) === undefined))
      throw new CoppiceError('NotFound', 's390x SE: missing luks keys and config');
    const ramdisk = nameless(context, 'opening new ramdisk');
    open.push(ramdisk);
    writeInitramfs(context, ramdisk, `/boot${initramfs}`);
    const [parameters, initrd] = [commandLine, ramdisk].map((fd) => `/proc/${process.pid}/fd/${fd}`) as [
      string,
      string,
    ];
    const keyArguments = keys.flatMap((key) => ['-k', key]);
    runStep(
      context,
      compat.protectedImages === 'pvimg'
        ? [
            ...(['pvimg', 'create', '--verbose', '--kernel', `/boot${kernel}`, '--ramdisk', initrd] as const),
            ...['--parmfile', parameters, ...keyArguments, '--no-verify', '--overwrite', '--output', image],
          ]
        : [
            ...(['genprotimg', '-i', `/boot${kernel}`, '-r', initrd, '-p', parameters] as const),
            ...[...keyArguments, '--no-verify', '-o', image],
          ],
    );
  } finally {
    for (const fd of open) fs.close(fd);
  }
}

/** Makes the image of the default entry and lets zipl start it. Throws with `s390x SE: ` before the message. */
export function updateSecureExecution(context: BootLoaderContext, bootVersion: Bit): void {
  const keys = listKeys(context.fs);
  let device: string;
  try {
    device = realpathSync(partition);
  } catch (error) {
    throw told(error, `resolving ${partition}`);
  }
  try {
    context.run(['mount', '-t', 'ext4', device, mountPoint], {});
  } catch (error) {
    throw prefixError(error, `s390x SE: Mounting ${device}`);
  }
  try {
    makeImage(context, bootVersion, keys);
    runStep(context, ['zipl', '-V', '-t', mountPoint, '-i', image]);
  } finally {
    try {
      context.run(['umount', mountPoint], {});
    } catch (error) {
      context.debug(`s390x SE: Unmounting ${mountPoint}: ${messageOf(error)}`);
    }
  }
}
