import { CoppiceError } from '@coppice/base';
import { type CollectionRefName, checkCollectionId, checkRefName, type FinderName, findRemotes } from '@coppice/ostree';
import { existingCacheDir } from './cache-dir.ts';
import { ensureWritable } from './ensure-writable.ts';
import { PullConsole } from './pull-console.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: 'COLLECTION-ID REF [COLLECTION-ID REF...]',
  summary: 'Find remotes to serve the given refs',
  options: () => [
    { long: 'cache-dir', arg: '', filename: true, help: 'Use custom cache dir' },
    { long: 'disable-fsync', help: 'Do not invoke fsync()' },
    {
      long: 'finders',
      arg: 'FINDERS',
      help: 'Use the specified comma separated list of finders (e.g. config,lan,mount)',
    },
    { long: 'pull', help: 'Pull the updates after finding them' },
    { long: 'mirror', help: 'Do a mirror pull (see ostree pull --mirror)' },
  ],
  async run(call: OstreeCall) {
    ensureWritable(call.repo);
    const wanted = refPairs(call, call.operands);
    const finders = finderNames(call);
    const console = new PullConsole(call.context);
    try {
      await show(call, console, wanted, finders);
    } finally {
      console.finish(undefined);
    }
  },
};

/** Ends of the finders' type names. */
const finderTypes: Readonly<Record<FinderName, string>> = { config: 'Config', lan: 'Avahi', mount: 'Mount' };

/** Prints as `g_warning` does. */
function warnAsGLib(call: OstreeCall, message: string): void {
  const now = new Date();
  const two = (n: number): string => String(n).padStart(2, '0');
  const milliseconds = String(now.getMilliseconds()).padStart(3, '0');
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${milliseconds}`;
  call.warn(`\n(ostree find-remotes:${process.pid}): OSTree-WARNING **: ${time}: ${message}`);
}

async function show(
  call: OstreeCall,
  console: PullConsole,
  wanted: readonly CollectionRefName[],
  finders: readonly FinderName[] | undefined,
): Promise<void> {
  const found = await findRemotes(call.repo, wanted, finders, (message) => warnAsGLib(call, message));
  if (found.length === 0) {
    call.print('No results.');
    return;
  }
  const name = ({ collection, ref }: CollectionRefName): string => `(${collection}, ${ref})`;
  const missing = new Set(wanted);
  found.forEach((result, i) => {
    call.print(`Result ${i}: ${result.url}`);
    call.print(` - Finder: OstreeRepoFinder${finderTypes[result.finder]}`);
    call.print(` - Keyring: ${result.keyring}`);
    call.print(` - Priority: ${result.priority}`);
    const modified = result.summaryModified;
    const when = modified === undefined ? 'unknown' : new Date(modified * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
    call.print(` - Summary last modified: ${when}`);
    call.print(' - Refs:');
    for (const [ref, checksum] of result.refs) {
      call.print(`    - ${name(ref)} = ${checksum ?? '(not found)'}`);
      if (checksum !== undefined) missing.delete(ref);
    }
    call.print('');
  });
  call.print(`${wanted.length - missing.size}/${wanted.length} refs were found.`);
  if (missing.size > 0) {
    call.print('Refs not found in any remote:');
    for (const ref of missing) call.print(` - ${name(ref)}`);
  }
  if (!call.options.flag('pull')) return;
  await pullFound(
    call,
    console,
    found,
    wanted.filter((ref) => !missing.has(ref)),
    name,
  );
}

/** The operands two by two. */
export function refPairs(call: OstreeCall, words: readonly string[]): CollectionRefName[] {
  if (words.length < 2) call.usage('At least one COLLECTION-ID REF pair must be specified');
  if (words.length % 2 !== 0) call.usage('Only complete COLLECTION-ID REF pairs may be specified');
  const out: CollectionRefName[] = [];
  for (let i = 0; i < words.length; i += 2)
    out.push({ collection: checkCollectionId(words[i]!), ref: checkRefName(words[i + 1]!) });
  return out;
}

/** The finders asked for; undefined leaves it to the repository. */
function finderNames(call: OstreeCall): FinderName[] | undefined {
  const text = call.options.string('finders');
  if (text === '') call.usage('List of finders in --finders option must not be empty');
  const names = text?.split(',');
  names?.forEach((name, i) => {
    if (!['config', 'lan', 'mount'].includes(name) || names.indexOf(name) !== i)
      call.usage(`Unknown or duplicate finder type given in --finders option: ‘${name}’`);
  });
  return names as FinderName[] | undefined;
}

type Found = Awaited<ReturnType<typeof findRemotes>>;

async function pullFound(
  call: OstreeCall,
  console: PullConsole,
  found: Found,
  refs: readonly CollectionRefName[],
  name: (ref: CollectionRefName) => string,
): Promise<void> {
  const { pull } = await import('@coppice/ostree');
  const { repo, options, context } = call;
  const left = new Set(refs);
  for (const result of found) {
    const here = refs.filter((ref) => left.has(ref) && result.refs.get(ref) !== undefined);
    if (here.length === 0) continue;
    try {
      const dir = options.string('cache-dir');
      const { status } = await pull(repo, {
        remote: result.remote,
        ...(result.finder === 'mount' ? { overrideUrl: result.url } : {}),
        collectionRefs: here.map((ref) => ({ ...ref, checksum: result.refs.get(ref)! })),
        mirror: options.flag('mirror'),
        disableFsync: options.flag('disable-fsync'),
        gpgVerify: true,
        ...(dir === undefined ? {} : { cacheDir: existingCacheDir(context, dir) }),
        progress: console.progress,
      });
      // The transaction counts what was written, and is not over yet for the original.
      console.show(status?.replace(/; [^;]* content written$/, ''));
      for (const ref of here) left.delete(ref);
    } catch (error) {
      if (!(error instanceof CoppiceError) || error.kind === 'bug') throw error;
    }
  }
  if (left.size > 0) {
    const names = [...left].map(name).join(', ');
    throw new CoppiceError('Network', `Failed to pull some refs from the remotes: ${names}`);
  }
  call.print(`Pulled ${refs.length}/${refs.length} refs successfully.`);
}
