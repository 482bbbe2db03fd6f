import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { allSpecs, decompile, type Variant } from '@coppice/butane';
import type { SubVerbModule } from '../sub-verbs.ts';
import { diagnosticLine } from './lint-text.ts';
import { isIgnition, readSource } from './source.ts';

export const run: SubVerbModule['run'] = (context, [path], flags) => {
  const variant = flags['variant'] as string | undefined;
  if (variant !== undefined && !allSpecs().some((spec) => spec.variant === variant))
    throw new CoppiceError('Usage', `unknown variant ${variant}`);
  const version = flags['configVersion'] as string | undefined;
  const bytes = readSource(context, path as string);
  if (/^variant:/m.test(new TextDecoder().decode(bytes)) && !isIgnition(bytes))
    throw new CoppiceError('Invalid', `${path as string} is a Butane config already`);
  const done = decompile(bytes, {
    ...(variant === undefined ? {} : { variant: variant as Variant }),
    ...(version === undefined ? {} : { version }),
  });
  for (const each of done.diagnostics) context.stderr.write(`${diagnosticLine(path as string, each)}\n`);
  if (done.butane === undefined) return 1;
  const output = flags['output'] as string | undefined;
  if (output === undefined) {
    context.stdout.write(done.butane);
    return 0;
  }
  try {
    writeFileSync(resolve(context.cwd, output), done.butane);
  } catch (error) {
    throw errnoError(error, output);
  }
  return 0;
};
