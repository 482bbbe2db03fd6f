import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { CompressPool, HelperThread, type PullOptions } from '@coppice/ostree';
import { existingCacheDir } from './cache-dir.ts';
import { ensureWritable } from './ensure-writable.ts';
import { PullConsole } from './pull-console.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'REMOTE [BRANCH...]',
  summary: 'Download data from remote repository',
  options: (level) => [
    { long: 'commit-metadata-only', help: 'Fetch only the commit metadata' },
    { long: 'cache-dir', arg: '', filename: true, help: 'Use custom cache dir' },
    { long: 'disable-fsync', help: 'Do not invoke fsync()' },
    { long: 'per-object-fsync', help: 'Perform writes in such a way that avoids stalling concurrent processes' },
    { long: 'disable-static-deltas', help: 'Do not use static deltas' },
    { long: 'require-static-deltas', help: 'Require static deltas' },
    ...(level === '2026.4'
      ? [
          {
            long: 'disable-retry-on-network-errors',
            help: 'Do not retry when network issues happen, instead fail automatically. (Currently only affects libcurl)',
          },
        ]
      : []),
    { long: 'mirror', help: 'Write refs suitable for a mirror and fetches all refs if none provided' },
    { long: 'subpath', arg: '', filename: true, type: 'strings', help: 'Only pull the provided subpath(s)' },
    { long: 'untrusted', help: 'Verify checksums of local sources (always enabled for HTTP pulls)' },
    { long: 'http-trusted', help: 'Do not verify checksums of HTTP sources (mostly useful when mirroring)' },
    { long: 'bareuseronly-files', help: 'Reject regular files with mode outside of 0775 (world writable, suid, etc.)' },
    { long: 'dry-run', help: 'Only print information on what will be downloaded (requires static deltas)' },
    { long: 'depth', arg: 'DEPTH', type: 'int', help: 'Traverse DEPTH parents (-1=infinite) (default: 0)' },
    { long: 'url', arg: 'URL', help: 'Pull objects from this URL instead of the one from the remote config' },
    {
      long: 'http-header',
      arg: 'NAME=VALUE',
      type: 'strings',
      help: 'Add NAME=VALUE as HTTP header to all requests',
    },
    {
      long: 'update-frequency',
      arg: 'FREQUENCY',
      type: 'int',
      help: 'Sets the update frequency, in milliseconds (0=1000ms) (default: 0)',
    },
    {
      long: 'network-retries',
      arg: 'N',
      type: 'int',
      help: 'Specifies how many times each download should be retried upon error (default: 5)',
    },
    ...(level === '2026.4'
      ? ([
          {
            long: 'low-speed-limit-bytes',
            arg: 'N',
            type: 'int',
            help: "The average transfer speed per second of a transfer during the time set via 'low-speed-time-seconds' for libcurl to abort(default: 1000)",
          },
          {
            long: 'low-speed-time-seconds',
            arg: 'N',
            type: 'int',
            help: "The time in number seconds that the transfer speed should be below the 'low-speed-limit-bytes' setting for libcurl to abort (default: 30)",
          },
          {
            long: 'max-outstanding-fetcher-requests',
            arg: 'N',
            type: 'int',
            help: 'The max amount of concurrent connections allowed. (default: 8)',
          },
        ] as const)
      : []),
    {
      long: 'localcache-repo',
      short: 'L',
      arg: 'REPO',
      filename: true,
      type: 'strings',
      help: 'Add REPO as local cache source for objects during this pull',
    },
    { long: 'timestamp-check', short: 'T', help: 'Require fetched commits to have newer timestamps' },
    {
      long: 'timestamp-check-from-rev',
      arg: '',
      help: 'Require fetched commits to have newer timestamps than given rev',
    },
    { long: 'disable-verify-bindings', help: 'Do not verify commit bindings' },
    { long: 'append-user-agent', arg: 'STRING', help: 'Append string to user agent', hidden: true },
  ],
  async run(call: OstreeCall) {
    const { pull } = await import('@coppice/ostree');
    const { operands, repo, options, context } = call;
    ensureWritable(repo);
    const [first, ...branches] = operands;
    if (first === undefined) call.usage('REMOTE must be specified');
    let remote = first;
    const refs: string[] = [];
    const overrides: (string | undefined)[] = [];
    const colon = first.indexOf(':');
    if (branches.length === 0 && colon > 0 && !first.includes('://')) {
      remote = first.slice(0, colon);
      branches.push(first.slice(colon + 1));
    }
    for (const branch of branches) {
      const at = branch.lastIndexOf('@');
      refs.push(at < 0 ? branch : branch.slice(0, at));
      overrides.push(at < 0 ? undefined : branch.slice(at + 1));
    }
    for (const path of options.strings('localcache-repo')) await call.openRepo(path);
    const console = new PullConsole(context, call.level === '2026.4');
    // A second thread, if there is a second processor: one or the other, which starts only when there is enough to do.
    const pool = availableParallelism() > 1 ? new CompressPool() : undefined;
    const helper = pool === undefined ? undefined : new HelperThread();
    const result = await pull(repo, {
      ...pullFlags(call),
      ...(pool === undefined ? {} : { compressPool: pool }),
      ...(helper === undefined ? {} : { helper }),
      remote,
      refs,
      overrideCommits: overrides,
      progress: console.progress,
      onGpgResults: console.gpgResults,
    })
      .catch((error: unknown) => {
        console.finish(undefined);
        throw error;
      })
      .finally(() => {
        pool?.close();
        helper?.close();
      });
    if (options.flag('dry-run')) call.print(result.status ?? '');
    else console.finish(result.status);
  },
};

function header(text: string): [string, string] {
  const eq = text.indexOf('=');
  if (eq < 0) throw new CoppiceError('Usage', "Missing '=' in --http-header");
  return [text.slice(0, eq), text.slice(eq + 1)];
}

function pullFlags({ options, context }: OstreeCall): Omit<PullOptions, 'remote'> {
  const number = (name: string): number | undefined => options.number(name);
  const cacheDir = options.string('cache-dir');
  const url = options.string('url');
  const rev = options.string('timestamp-check-from-rev');
  const retries = number('network-retries');
  const frequency = number('update-frequency');
  const agent = options.string('append-user-agent');
  return {
    commitOnly: options.flag('commit-metadata-only'),
    disableFsync: options.flag('disable-fsync'),
    perObjectFsync: options.flag('per-object-fsync'),
    disableStaticDeltas: options.flag('disable-static-deltas'),
    requireStaticDeltas: options.flag('require-static-deltas'),
    mirror: options.flag('mirror'),
    subpaths: options.strings('subpath'),
    untrusted: options.flag('untrusted'),
    httpTrusted: options.flag('http-trusted'),
    bareUserOnlyFiles: options.flag('bareuseronly-files'),
    dryRun: options.flag('dry-run'),
    depth: number('depth') ?? 0,
    headers: options.strings('http-header').map(header),
    localCaches: options.strings('localcache-repo').map((path) => resolve(context.cwd, path)),
    timestampCheck: options.flag('timestamp-check'),
    disableVerifyBindings: options.flag('disable-verify-bindings'),
    retryOnNetworkErrors: !options.flag('disable-retry-on-network-errors'),
    ...(cacheDir === undefined ? {} : { cacheDir: existingCacheDir(context, cacheDir) }),
    ...(url === undefined ? {} : { overrideUrl: url }),
    ...(rev === undefined ? {} : { timestampCheckFromRev: rev }),
    ...(retries === undefined ? {} : { retries }),
    ...(frequency === undefined || frequency <= 0 ? {} : { updateFrequency: frequency }),
    ...(agent === undefined ? {} : { appendUserAgent: agent }),
  };
}
