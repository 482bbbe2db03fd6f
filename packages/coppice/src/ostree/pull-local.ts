import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CoppiceError } from '@coppice/base';
import { CompressPool, type Repo } from '@coppice/ostree';
import { ensureWritable } from './ensure-writable.ts';
import { PullConsole } from './pull-console.ts';
import { refTableOrder } from './refs-order.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'SRC_REPO [REFS...]',
  summary: 'Copy data from SRC_REPO',
  options: (level) => [
    { long: 'commit-metadata-only', help: 'Fetch only the commit metadata' },
    { long: 'remote', arg: 'REMOTE', help: 'Add REMOTE to refspec' },
    { long: 'disable-fsync', help: 'Do not invoke fsync()' },
    { long: 'per-object-fsync', help: 'Perform writes in such a way that avoids stalling concurrent processes' },
    { long: 'untrusted', help: 'Verify checksums of local sources (always enabled for HTTP pulls)' },
    { long: 'bareuseronly-files', help: 'Reject regular files with mode outside of 0775 (world writable, suid, etc.)' },
    { long: 'require-static-deltas', help: 'Require static deltas' },
    ...(level === '2026.4' ? [{ long: 'disable-static-deltas', help: 'Do not use static deltas' }] : []),
    {
      long: 'gpg-verify',
      arg: '',
      filename: true,
      optionalArg: true,
      help: 'GPG verify commits (must specify --remote)',
    },
    {
      long: 'gpg-verify-summary',
      arg: '',
      filename: true,
      optionalArg: true,
      help: 'GPG verify summary (must specify --remote)',
    },
    { long: 'disable-verify-bindings', help: 'Do not verify commit bindings' },
    { long: 'depth', arg: 'DEPTH', type: 'int', help: 'Traverse DEPTH parents (-1=infinite) (default: 0)' },
  ],
  async run(call: OstreeCall) {
    const { pull } = await import('@coppice/ostree');
    const { operands, options, repo, context } = call;
    ensureWritable(repo);
    const [source, ...refs] = operands;
    if (source === undefined) call.usage('DESTINATION must be specified');
    const url = source.startsWith('/') || source.startsWith('file://') ? source : resolve(context.cwd, source);
    const path = url.startsWith('file://') ? url : pathToFileURL(url).href;
    const open = (): Promise<Repo> => call.openRepo(source.startsWith('file://') ? fileURLToPath(source) : source);
    // The original opens it here for its refs only.
    let wanted: readonly string[] = refs;
    if (refs.length === 0) {
      const from = await open();
      wanted = refTableOrder(from, from.listRefs().keys());
    }
    const remote = options.string('remote');
    if (remote === undefined && (options.has('gpg-verify') || options.has('gpg-verify-summary')))
      throw new CoppiceError('Usage', 'Must specify remote name to enable gpg verification');
    if (refs.length > 0) await open();
    const console = new PullConsole(context, call.level === '2026.4');
    // A second thread, if there is a second processor; it starts only when there is enough to bring over.
    const pool = availableParallelism() > 1 ? new CompressPool() : undefined;
    const result = await pull(repo, {
      ...(pool === undefined ? {} : { compressPool: pool }),
      remote: path,
      refs: wanted,
      commitOnly: options.flag('commit-metadata-only'),
      disableFsync: options.flag('disable-fsync'),
      perObjectFsync: options.flag('per-object-fsync'),
      untrusted: options.flag('untrusted'),
      bareUserOnlyFiles: options.flag('bareuseronly-files'),
      requireStaticDeltas: options.flag('require-static-deltas'),
      disableVerifyBindings: options.flag('disable-verify-bindings'),
      gpgVerify: options.flag('gpg-verify'),
      gpgVerifySummary: options.flag('gpg-verify-summary'),
      depth: options.number('depth') ?? 0,
      ...(remote === undefined ? {} : { remoteName: remote }),
      progress: console.progress,
      onGpgResults: console.gpgResults,
    })
      .catch((error: unknown) => {
        console.finish(undefined);
        throw error;
      })
      .finally(() => pool?.close());
    console.finish(result.status);
  },
};
