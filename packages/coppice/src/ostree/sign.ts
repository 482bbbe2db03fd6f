import { resolve } from 'node:path';
import { CoppiceError, errnoError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { engineSignatures, engineSignCommit, readKeyFile, storedKeys, verifyWithKeys } from '@coppice/ostree';
import { type SignEngine, signEngine } from '@coppice/signing';
import { type OstreeCall, type OstreeVerb, UsageError } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT KEY-ID...',
  summary: 'Sign a commit',
  options: (level) => [
    { long: 'delete', short: 'd', help: 'Delete signatures having any of the KEY-IDs' },
    { long: 'verify', help: 'Verify signatures' },
    { long: 'sign-type', short: 's', arg: 'NAME', help: "Signature type to use (defaults to 'ed25519')" },
    // Builds with a raw-key engine have these; accepted everywhere, shown as the build at hand does.
    {
      long: 'keys-file',
      arg: 'NAME',
      filename: true,
      help: 'Read key(s) from file',
      hidden: level !== '2026.4' || true,
    },
    {
      long: 'keys-dir',
      arg: 'NAME',
      filename: true,
      help: 'Redefine system-wide directories with public and revoked keys for verification',
      hidden: true,
    },
  ],
  run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    const [rev, ...keyIds] = operands;
    if (rev === undefined) throw new UsageError('Need a COMMIT to sign or verify', false);
    const file = options.string('keys-file');
    if (!options.flag('verify') && keyIds.length === 0 && file === undefined)
      throw new UsageError('Need at least one KEY-ID to sign with', false);
    const commit = repo.resolveRev(rev);
    const engine = signEngine(options.string('sign-type') ?? 'ed25519', context.env);
    if (options.flag('verify')) {
      verifyCommit(call, engine, commit, keyIds);
      return;
    }
    const secrets = [...keyIds];
    if (file !== undefined) secrets.push(...engine.keysInFile(readText(call, file)));
    // The original does not look at `--delete`, and signs then too.
    for (const key of secrets) engineSignCommit(repo, commit, engine, key);
  },
};

function readText(call: OstreeCall, file: string): string {
  try {
    return readFile(resolve(call.context.cwd, file), { fs: call.repo.fs, limit: 1024 * 1024 }).toString();
  } catch (error) {
    throw errnoError(error, `Can't open file '${file}'`);
  }
}

function publicKeys(call: OstreeCall, engine: SignEngine, keyIds: readonly string[]): Uint8Array[] {
  const { options, repo, context } = call;
  const keys: Uint8Array[] = keyIds.map((id) => engine.publicKey(id));
  const file = options.string('keys-file');
  const dir = options.string('keys-dir');
  if (file !== undefined) keys.unshift(...readKeyFile(repo, engine, resolve(context.cwd, file)));
  if (keys.length === 0 || dir !== undefined)
    keys.push(...storedKeys(repo, engine, dir === undefined ? undefined : [resolve(context.cwd, dir)]));
  return keys;
}

function verifyCommit(call: OstreeCall, engine: SignEngine, commit: string, keyIds: readonly string[]): void {
  const { repo } = call;
  // This one has no stored keys.
  if (engine.name === 'dummy' && keyIds.length === 0 && !call.options.has('keys-file'))
    throw new CoppiceError('Signature', 'not implemented');
  const bytes = repo.loadCommitBytes(commit);
  const detached = repo.loadDetachedMetadata(commit);
  // With keys on the command line the original says no more than this.
  const none = 'No valid signatures found';
  if (detached === undefined || detached.size === 0)
    throw keyIds.length > 0
      ? new CoppiceError('Signature', none)
      : new CoppiceError('Signature', "Can't verify commit without detached metadata");
  const signatures = engineSignatures(engine, detached);
  try {
    if (signatures === undefined)
      throw new CoppiceError('Signature', `${engine.name}: commit have no signatures of my type`);
    call.print(verifyWithKeys({ engine, keys: publicKeys(call, engine, keyIds) }, bytes, signatures));
  } catch (error) {
    throw new CoppiceError('Signature', none, { cause: error });
  }
}
