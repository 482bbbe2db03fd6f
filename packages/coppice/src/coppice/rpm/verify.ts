import { resolve } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { checkLine, databaseKeyring, RpmDb, verdictSummary, verifyPackage } from '@coppice/rpm';
import { Keyring } from '@coppice/signing';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';
import { rpmLevel } from './level.ts';
import { packageNames, readNamedPackage } from './package-argument.ts';

function loadKeyring(context: Context, files: readonly string[], dbpath: string | undefined): Keyring {
  const sources: Uint8Array[] = files.map((file) => {
    try {
      return readFile(resolve(context.cwd, file), { limit: 16 * 1024 * 1024 });
    } catch (error) {
      throw errnoError(error, file);
    }
  });
  if (dbpath !== undefined) {
    using db = RpmDb.open(resolve(context.cwd, dbpath), { readOnly: true });
    sources.push(...databaseKeyring(db).certificates.map((c) => c.raw));
  }
  return new Keyring(sources);
}

export const run: SubVerbModule['run'] = async (context, [names], flags) => {
  if (flags['installed'] === true)
    return (await import('./verify-installed.ts')).verifyInstalled(context, (names ?? []) as readonly string[], flags);
  if (names === undefined || names.length === 0) throw new CoppiceError('Usage', 'no arguments given for verify');
  const keyring = loadKeyring(context, flags['keyring'] as readonly string[], flags['dbpath'] as string | undefined);
  const level = rpmLevel(flags);
  let bad = 0;
  const json: unknown[] = [];
  for (const name of packageNames(context, names as readonly string[])) {
    try {
      const verdict = verifyPackage(readNamedPackage(context, name), keyring, { level });
      const trusted = verdict.checks.some(({ type, status: result }) => type === 'signature' && result === 'OK');
      const ok = verdict.ok && (trusted || flags['requireSignature'] !== true);
      if (!ok) bad++;
      if (flags['json'] === true)
        json.push({
          package: name,
          ok,
          checks: verdict.checks.map(({ text, type, range, status: result, detail }) => ({
            check: text,
            type,
            range,
            result,
            ...(detail === undefined ? {} : { detail }),
          })),
        });
      else if (flags['verbose'] === true)
        context.stdout.write(`${name}:\n${verdict.checks.map((check) => `${checkLine(check)}\n`).join('')}`);
      else context.stdout.write(`${name}: ${verdictSummary(verdict)}\n`);
      if (!trusted && flags['requireSignature'] === true) {
        const why = verdict.hasSignature ? 'no signature is trusted' : 'not signed';
        context.stderr.write(`error: ${name}: ${why}\n`);
      }
    } catch (error) {
      if (!isCoppiceError(error)) throw error;
      bad++;
      if (flags['json'] === true) json.push({ package: name, ok: false, error: error.message });
      else {
        context.stdout.flush();
        // rpm -K names the file first.
        const message = error.message.replace(/^open of (.*) failed: /s, '$1: open failed: ');
        context.stderr.write(`error: ${message}\n`);
      }
    }
  }
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  // As rpm -K: so many are not good.
  return Math.min(bad, 255);
};
