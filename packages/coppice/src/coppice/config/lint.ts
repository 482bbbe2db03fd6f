import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { type Diagnostic, lint, userDataLimits } from '@coppice/butane';
import { configSchema, marshalConfig, minorOf } from '@coppice/ignition';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { diagnosticLine, githubLines, sarifText } from './lint-text.ts';
import { filesOption, readSource } from './source.ts';

const formats: Readonly<Record<string, (file: string, found: readonly Diagnostic[]) => string>> = {
  text: (file, found) => found.map((each) => `${diagnosticLine(file, each)}\n`).join(''),
  json: (_, found) => `${JSON.stringify(found, null, 2)}\n`,
  sarif: sarifText,
  github: githubLines,
};

export const run: SubVerbModule['run'] = (context, [path], flags) => {
  const format = flags['format'] as string;
  if (!Object.hasOwn(formats, format))
    throw new CoppiceError('Usage', `unknown format ${format}; one of ${Object.keys(formats).join(', ')}`);
  const provider = flags['provider'] as string | undefined;
  if (provider !== undefined && !Object.hasOwn(userDataLimits, provider))
    throw new CoppiceError('Usage', `unknown provider ${provider}; one of ${Object.keys(userDataLimits).join(', ')}`);
  const split = flags['split'] as string | undefined;
  const done = lint(readSource(context, path as string), {
    ...filesOption(context, flags['filesDir']),
    ...(provider === undefined ? {} : { provider }),
  });
  const disabled = flags['disable'] as readonly string[];
  const found = done.diagnostics.filter((each) => !disabled.includes(each.code));
  const failed = found.some(
    (each) => each.severity === 'error' || (flags['strict'] === true && each.severity === 'warning'),
  );
  const report = formats[format]!(path as string, found);
  if (split === undefined) {
    context.stdout.write(report);
    return failed ? 1 : 0;
  }
  context.stderr.write(report);
  if (done.ignition === undefined) return 1;
  writePointer(context, done.ignition, split, flags['payload'] as string | undefined);
  return failed && found.some((each) => each.severity === 'error') ? 1 : 0;
};

/** Prints a small config that is replaced by the one at `url`, and writes that one. */
function writePointer(context: Context, ignition: string, url: string, payload: string | undefined): void {
  if (payload === undefined) throw new CoppiceError('Usage', '--split needs --payload FILE for the config itself');
  if (!/^(https?|s3|gs|arn|tftp):/.test(url)) throw new CoppiceError('Usage', `Ignition cannot fetch from ${url}`);
  const version = /"version":\s*"([^"]+)"/.exec(ignition)?.[1] ?? '';
  const minor = minorOf(version);
  if (minor === undefined) throw new CoppiceError('Invalid', 'only an Ignition config can be split');
  const text = `${ignition.replace(/\n$/, '')}\n`;
  try {
    writeFileSync(resolve(context.cwd, payload), text);
  } catch (error) {
    throw errnoError(error, payload);
  }
  const hash = `sha512-${createHash('sha512').update(text).digest('hex')}`;
  const pointer = { ignition: { version, config: { replace: { source: url, verification: { hash } } } } };
  context.stdout.write(`${marshalConfig(pointer, configSchema(minor))}\n`);
}
