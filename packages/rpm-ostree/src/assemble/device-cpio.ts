// What is put behind an initramfs: dev/random and dev/urandom, which early user space needs before udev runs.
import { writeCpio } from '@coppice/archive';

const device = (name: string, minor: number, ino: number) => ({
  fields: {
    name,
    ino,
    mode: 0o020666,
    uid: 0,
    gid: 0,
    nlink: 1,
    mtime: 0,
    size: 0,
    devMajor: 0,
    devMinor: 0,
    rdevMajor: 1,
    rdevMinor: minor,
  },
});

/**
 * An image with the devices behind it. The kernel looks for the next archive at multiples of four bytes only, and one of its
 * decompressors takes four zeros for the end.
 */
export function withDevices(image: Buffer): Buffer {
  const dir = { fields: { ...device('dev', 0, 1).fields, mode: 0o040755, rdevMajor: 0 } };
  const cpio = [...writeCpio([dir, device('dev/random', 8, 2), device('dev/urandom', 9, 3)])];
  return Buffer.concat([image, Buffer.alloc(4 + ((4 - (image.length % 4)) % 4)), ...cpio]);
}
