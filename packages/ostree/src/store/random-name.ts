import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** From the system, as Node takes milliseconds to load what it has for it. */
function random(count: number): Buffer {
  const out = Buffer.alloc(count);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      if (readSync(fd, out) === count) return out;
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not everywhere, such as below a bare chroot.
  }
  return randomBytes(count);
}

/** Six random letters and digits, as mkstemp puts for `XXXXXX`. */
export function randomName(): string {
  return Array.from(random(6), (byte) => letters[byte % letters.length]).join('');
}

/** So many random bytes in hex, for names of temporary files. */
export function randomHex(count: number): string {
  return random(count).toString('hex');
}
