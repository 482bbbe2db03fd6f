import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { CoppiceError, errnoError, isCoppiceError, prefixError, strerror } from '@coppice/base';
import { type CheckoutOptions, checkout, HelperThread, type OverwriteMode } from '@coppice/ostree';
import { booleanArgument } from './boolean-argument.ts';
import { checkoutOptions } from './checkout-options.ts';
import { readSkipList } from './commit-modifier.ts';
import { findPath } from './find-path.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COMMIT [DESTINATION]',
  summary: 'Check out a commit into a filesystem tree',
  options: checkoutOptions,
  async run(call: OstreeCall) {
    const { repo, operands, options } = call;
    const [first, second] = operands;
    const many = options.flag('from-stdin') || options.has('from-file');
    if (first === undefined) call.usage('COMMIT must be specified');
    // The original parses this one with the command line, and looks at the others for each tree, once it knows the commit.
    const fsync = options.string('fsync');
    const synced = fsync === undefined ? false : booleanArgument(fsync);
    let known: SharedOptions | undefined;
    // A second thread, if there is a second processor; it starts only when there is enough to copy.
    const helper = availableParallelism() > 1 ? new HelperThread() : undefined;
    const composefs =
      options.flag('composefs') || options.flag('composefs-noverity')
        ? (await import('./checkout-composefs.ts')).checkoutComposefs
        : undefined;
    const one = async (rev: string, subpath: string | undefined, destination: string): Promise<void> => {
      const commit = repo.resolveRev(rev);
      known ??= { ...(await sharedOptions(call)), fsync: synced };
      if (destination === '') throw errnoError({ code: 'EFAULT' }, 'mkdirat');
      const dest = isAbsolute(destination) ? destination : resolve(call.context.cwd, destination);
      if (composefs !== undefined) {
        composefs(call, commit, dest);
        return;
      }
      try {
        const found = subpath === undefined ? undefined : findPath(repo, commit, subpath);
        checkout(repo, {
          ...known,
          commit,
          dest,
          ...(helper === undefined ? {} : { helper }),
          ...(found === undefined ? {} : { subpath: found.path }),
        });
      } catch (error) {
        const missing = isCoppiceError(error, 'NotFound') && error.message.startsWith('No such file or directory: ');
        if (!(missing && options.flag('allow-noent'))) throw error;
      }
    };
    const each = async (rev: string, subpath: string | undefined, destination: string): Promise<void> => {
      const commit = repo.resolveRev(rev);
      try {
        await one(commit, subpath, destination);
      } catch (error) {
        throw prefixError(error, `Processing tree ${commit}`);
      }
    };
    try {
      if (!many) await one(first, options.string('subpath'), second ?? first);
      else for (const [rev, subpath] of requests(call)) await each(rev, subpath, first);
    } finally {
      helper?.close();
    }
  },
};

/** With any of these the original calls a newer function of its library, which does not use the cache. */
const withoutCache = [
  'disable-cache',
  'whiteouts',
  'process-passthrough-whiteouts',
  'require-hardlinks',
  'union-add',
  'union-identical',
  'force-copy',
  'force-copy-zerosized',
  'bareuseronly-dirs',
  'skip-list',
  'selinux-policy',
  'selinux-prefix',
];

function conflict(a: string, b: string): never {
  throw new CoppiceError('Usage', `Cannot specify both --${a} and --${b}`);
}

type SharedOptions = Omit<CheckoutOptions, 'commit' | 'dest'>;

async function sharedOptions(call: OstreeCall): Promise<SharedOptions> {
  const { options, repo } = call;
  const policy = options.string('selinux-policy');
  const forceCopy = options.flag('force-copy') || policy !== undefined;
  const [union, add, identical] = ['union', 'union-add', 'union-identical'].map((name) => options.flag(name));
  if (union && add) conflict('union', 'union-add');
  if (union && identical) conflict('union', 'union-identical');
  if (add && identical) conflict('union-add', 'union-identical');
  if (options.flag('require-hardlinks') && forceCopy) conflict('require-hardlinks', 'force-copy');
  if (options.has('selinux-prefix') && policy === undefined) {
    throw new CoppiceError('Usage', 'Cannot specify --selinux-prefix without --selinux-policy');
  }
  if (identical && !options.flag('require-hardlinks')) {
    throw new CoppiceError('Usage', '--union-identical requires --require-hardlinks');
  }
  const overwrite: OverwriteMode = union ? 'union' : add ? 'add' : identical ? 'identical' : 'none';
  const skipFile = options.string('skip-list');
  const label = policy === undefined ? undefined : await labeller(call, policy);
  const skips = skipFile === undefined ? undefined : readSkipList(call, skipFile);
  return {
    overwrite,
    mode: options.flag('user-mode') ? 'user' : 'none',
    noCopyFallback: options.flag('require-hardlinks'),
    forceCopy,
    bareUserOnlyDirs: options.flag('bareuseronly-dirs'),
    whiteouts: options.flag('whiteouts'),
    passthroughWhiteouts: options.flag('process-passthrough-whiteouts'),
    uncompressedCache:
      !withoutCache.some((name) => options.has(name)) && repo.config.boolean('core', 'enable-uncompressed-cache', true),
    ...(skips === undefined
      ? {}
      : {
          filter(path, type) {
            const listed = type === 'directory' && path !== '/' ? `${path}/` : path;
            return skips.has(listed) ? 'skip' : 'allow';
          },
        }),
    ...(label === undefined ? {} : { label }),
  };
}

async function labeller(call: OstreeCall, policy: string): Promise<CheckoutOptions['label']> {
  const { policyOfRoot } = await import('./selinux-policy.ts');
  const prefix = call.options.string('selinux-prefix') ?? '';
  try {
    const label = policyOfRoot(call, policy);
    return label === undefined ? undefined : (path, mode) => label(`${prefix}${path}`, mode);
  } catch (error) {
    throw prefixError(error, 'selinux-policy: ');
  }
}

/** Revision and subpath in turn, each ended by a NUL; the last subpath may be left out. */
function* requests({ options, context }: OstreeCall): Generator<[rev: string, subpath: string | undefined]> {
  const file = options.string('from-file');
  if (file === '') throw new CoppiceError('Io', strerror('ENOTSUP'));
  let text: string;
  try {
    text = readFileSync(file === undefined ? 0 : resolve(context.cwd, file), 'utf8');
  } catch (error) {
    const errno = (error as { code?: string }).code ?? '';
    throw new CoppiceError('NotFound', `Error opening file ${resolve(context.cwd, file ?? '')}: ${strerror(errno)}`);
  }
  const parts = text.split('\0');
  for (let i = 0; i < parts.length && parts[i] !== ''; i += 2) {
    const leftOut = i + 2 === parts.length && parts[i + 1] === '';
    yield [parts[i]!, leftOut ? undefined : parts[i + 1]];
  }
}
