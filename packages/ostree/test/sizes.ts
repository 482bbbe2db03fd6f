import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenTree, newFolder, writeTree } from './tree.ts';

/** Sizes around the limit of what travels in shared memory, contents that shrink and that do not, and doubles. */
export function folderOfSizes(): string {
  const folder = writeTree(newFolder(), goldenTree);
  let state = 1;
  const noise = (size: number): Buffer =>
    Buffer.from(
      Uint8Array.from({ length: size }, () => {
        state = Math.imul(state, 48271) >>> 0;
        return state & 255;
      }),
    );
  const sizes = [1, 1023, 1024, 50_000, 1 << 20, (1 << 20) + 1, 3_000_000, 17 << 20];
  for (const size of sizes) writeFileSync(join(folder, `text${size}`), Buffer.alloc(size, `text of ${size} `));
  for (const size of sizes.slice(0, 7)) writeFileSync(join(folder, `noise${size}`), noise(size));
  for (let i = 0; i < 30; i++) writeFileSync(join(folder, `double${i}`), Buffer.alloc(5000, `double ${i % 10}`));
  return folder;
}
