import { CoppiceError } from '@coppice/base';
import { allSpecs, butaneSchema, ignitionSchema } from '@coppice/butane';
import { minorOf, specVersions } from '@coppice/ignition';
import type { SubVerbModule } from '../sub-verbs.ts';
import { outputNames, outputSchema } from './output-schemas.ts';

export const run: SubVerbModule['run'] = (context, [variant, version]) => {
  const unknown = (known: readonly string[]): CoppiceError =>
    new CoppiceError('NotFound', `no ${variant as string} ${version as string}; known are ${known.join(', ')}`);
  let schema: unknown = outputSchema(variant as string);
  if (schema !== undefined) {
    if (version !== undefined) throw new CoppiceError('Usage', `${variant as string} has no versions`);
  } else if (variant === 'ignition') {
    const minor = version === undefined ? 6 : minorOf(version as string);
    if (minor === undefined) throw unknown(specVersions);
    schema = ignitionSchema(minor);
  } else {
    const specs = allSpecs().filter((spec) => spec.variant === variant);
    const known = [...new Set(allSpecs().map((spec) => spec.variant)), 'ignition', ...outputNames];
    if (specs.length === 0)
      throw new CoppiceError('NotFound', `no schema of ${variant as string}; there are ${known.join(', ')}`);
    const spec =
      version === undefined
        ? specs.findLast((each) => !each.version.endsWith('-experimental'))
        : specs.find((each) => each.version === version);
    if (spec === undefined) throw unknown(specs.map((each) => each.version));
    schema = butaneSchema(spec);
  }
  context.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
  return 0;
};
