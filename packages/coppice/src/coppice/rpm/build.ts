import { dirname, resolve } from 'node:path';
import { errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { parsePackageSpec, writePackage } from '@coppice/rpm';
import type { SubVerbModule } from '../sub-verbs.ts';
import { underName } from './package-argument.ts';

function bytesOf(path: string): Uint8Array {
  try {
    return readFile(path, { limit: 16 * 1024 * 1024 });
  } catch (error) {
    throw errnoError(error, path);
  }
}

export const run: SubVerbModule['run'] = (context, [file], flags) => {
  const path = resolve(context.cwd, file as string);
  const root = typeof flags['root'] === 'string' ? resolve(context.cwd, flags['root']) : dirname(path);
  const name = file as string;
  const spec = underName(context, name, () => parsePackageSpec(Buffer.from(bytesOf(path)).toString(), path, root));
  const key = flags['signWith'];
  const out = writePackage(
    spec,
    resolve(context.cwd, String(flags['output'])),
    typeof key === 'string' ? { signWith: { secretKey: bytesOf(resolve(context.cwd, key)) } } : {},
  );
  context.stdout.write(`Wrote: ${out}\n`);
  return 0;
};
