import { randomBytes } from 'node:crypto';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Six random letters and digits, as mkstemp puts for `XXXXXX`. */
export function randomName(): string {
  return Array.from(randomBytes(6), (byte) => letters[byte % letters.length]).join('');
}
