import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CoppiceError, errnoError } from '@coppice/base';
import { allCollectionRefs, pull, Repo, updateSummary } from '@coppice/ostree';
import { refPairs } from './find-remotes.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

/** Places that are looked at without a link in `repos.d`. */
const standardPlaces = ['.ostree/repo', 'ostree/repo'];

export const verb: OstreeVerb = {
  params: 'MOUNT-PATH COLLECTION-ID REF [COLLECTION-ID REF...]',
  summary: 'Copy the refs to a USB stick',
  options: () => [
    { long: 'disable-fsync', help: 'Do not invoke fsync()' },
    { long: 'destination-repo', arg: 'DEST', filename: true, help: 'Use custom repository directory within the mount' },
    { long: 'commit', arg: 'COMMIT', help: 'Pull a specific commit (only works when a single ref is specified)' },
  ],
  async run(call: OstreeCall) {
    const { operands, options, repo, context } = call;
    const [mount, ...words] = operands;
    if (mount === undefined) call.usage('A MOUNT-PATH must be specified');
    const commit = options.string('commit');
    if (commit !== undefined && words.length > 2 && words.length % 2 === 0)
      call.usage('The --commit option can only be used when a single COLLECTION-ID REF pair is specified');
    const root = resolve(context.cwd, mount);
    const stat = statSync(root, { throwIfNoEntry: false });
    // The place is looked at before the names are, the number of words before either.
    if (words.length > 0 && words.length % 2 === 0 && stat?.isDirectory() !== true)
      throw errnoError({ code: stat === undefined ? 'ENOENT' : 'ENOTDIR' }, `opendir(${mount})`);
    const refs = refPairs(call, words);
    const place = options.string('destination-repo') ?? '.ostree/repo';
    // The original takes it from the mount, wherever that leads.
    const target = resolve(root, place);
    makePath(root, place);
    if (statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw errnoError({ code: 'ENOTDIR' }, `Creating repo: fstatat(${place}/objects)`);
    const destination = Repo.create(target, { mode: 'archive' });
    // The summary of a repository that has one says what its refs are, however old it is.
    const summarized = existsSync(join(repo.path, 'summary'));
    const known = new Map(allCollectionRefs(repo).map((r) => [`${r.collection} ${r.ref}`, r.checksum]));
    const wanted = refs.map(({ collection, ref }) => {
      if (commit === undefined && summarized) return { collection, ref };
      const checksum = commit ?? known.get(`${collection} ${ref}`);
      if (checksum === undefined)
        throw new CoppiceError('NotFound', `Collection–ref (${collection}, ${ref}) not found`);
      return { collection, ref, checksum };
    });
    await pull(destination, {
      remote: pathToFileURL(repo.path).href,
      collectionRefs: wanted,
      mirror: true,
      disableFsync: options.flag('disable-fsync'),
      disableVerifyBindings: false,
    });
    updateSummary(Repo.open(target));
    if (!standardPlaces.includes(place)) linkRepo(root, place);
    call.print(
      `Copied ${wanted.length}/${wanted.length} refs successfully from ‘${repo.path}’ to ‘${place}’ repository in ‘${mount}’.`,
    );
  },
};

/** Makes a folder, and those above it that are missing; names the one that cannot be made. */
function makePath(root: string, place: string, above = true): void {
  try {
    mkdirSync(place === '' ? '' : resolve(root, place), 0o755);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EEXIST') return;
    const end = place.replace(/\/+$/, '').lastIndexOf('/');
    if (code !== 'ENOENT' || end < 1 || !above) throw errnoError(error, `mkdir(${place})`);
    makePath(root, place.slice(0, end));
    makePath(root, place, false);
  }
}

/** A link in `.ostree/repos.d` under the first free number: one more for each copy, as the original makes them. */
function linkRepo(root: string, place: string): void {
  const dir = join(root, '.ostree/repos.d');
  mkdirSync(dir, { recursive: true });
  const names = readdirSync(dir);
  for (let i = 0; ; i++) {
    const name = `${String(i).padStart(2, '0')}-generated`;
    if (names.includes(name)) continue;
    symlinkSync(`../../${place.replace(/^\/+/, '')}`, join(dir, name));
    return;
  }
}
