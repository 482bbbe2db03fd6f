import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CoppiceError, fromHex } from '@coppice/base';
import { removeTree, replaceFile } from '@coppice/linux';
import { checkRefName, gpgSignCommit, Repo } from '@coppice/ostree';
import { composeCommit, diffCommits, fetchSolved, packageDiffJson, versionOf } from '@coppice/rpm-ostree';
import { defaultGpgHome, gpgHomeKeyring } from '@coppice/signing';
import { gpgKey } from '../ostree/signers.ts';
import { type ComposeInput, extraMetadata, readComposeInput, versionFor } from './compose-input.ts';
import { checkDirectory, outputPath, touch } from './compose-output.ts';
import { checkDownloads, isUnchanged, packageRepository, planCompose, previousCompose } from './compose-plan.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

const list = (long: string, arg: string, help: string) => ({ long, arg, type: 'strings' as const, help });

export const composeTreeOptions = [
  { long: 'unified-core', help: 'Use new "unified core" codepath' },
  { long: 'repo', short: 'r', arg: 'REPO', help: 'Path to OSTree repository' },
  { long: 'layer-repo', arg: 'REPO', help: 'Path to OSTree repository for ostree-layers and ostree-override-layers' },
  { long: 'cachedir', arg: 'CACHEDIR', help: 'Cached state' },
  { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
  { long: 'force-nocache', help: 'Always create a new OSTree commit, even if nothing appears to have changed' },
  { long: 'download-only', help: 'Like --dry-run, but download and import RPMs as well; requires --cachedir' },
  { long: 'download-only-rpms', help: 'Like --dry-run, but download RPMs as well; requires --cachedir' },
  { long: 'dry-run', help: 'Just print the transaction and exit' },
  { long: 'print-only', help: 'Just expand any includes and print treefile' },
  { long: 'source-root', arg: 'DIR', help: 'Source root for package system configuration' },
  { long: 'proxy', arg: 'PROXY', help: 'HTTP proxy' },
  { long: 'disable-selinux', help: 'Disable SELinux labeling, even if manifest enables it' },
  { long: 'touch-if-changed', arg: 'FILE', help: 'Update the modification time on FILE if a new commit was created' },
  { long: 'previous-commit', arg: 'COMMIT', help: 'Use this commit for change detection' },
  { long: 'previous-inputhash', arg: 'DIGEST', help: 'Use this input hash for change detection' },
  { long: 'previous-version', arg: 'VERSION', help: 'Use this version number for automatic version numbering' },
  { long: 'workdir', arg: 'WORKDIR', help: 'Working directory' },
  { long: 'workdir-tmpfs', hidden: true, help: 'Use tmpfs for working state' },
  { long: 'postprocess', help: 'Also run default postprocessing' },
  { long: 'ex-write-lockfile-to', arg: 'FILE', help: 'Write lockfile to FILE' },
  list('ex-lockfile', 'FILE', 'Read lockfile from FILE'),
  { long: 'ex-lockfile-strict', help: 'With --ex-lockfile, only allow installing locked packages' },
  list('add-metadata-string', 'KEY=VALUE', 'Append given key and value (in string format) to metadata'),
  {
    long: 'add-metadata-from-json',
    arg: 'JSON',
    help: 'Parse the given JSON file as object, convert to GVariant, append to OSTree commit',
  },
  {
    long: 'write-commitid-to',
    arg: 'FILE',
    help: 'File to write the composed commitid to instead of updating the ref',
  },
  {
    long: 'write-composejson-to',
    arg: 'FILE',
    help: 'Write JSON to FILE containing information about the compose run',
  },
  { long: 'no-parent', help: 'Always commit without a parent' },
  { long: 'parent', arg: 'REV', help: 'Commit with specific parent' },
] as const;

/** Signs with the key that a treefile names, out of the user's GnuPG home. Throws `NotFound`. */
export function signWithKey({ context }: VerbCall, repo: Repo, commit: string, keyId: string): void {
  const home = defaultGpgHome(context.env);
  gpgSignCommit(repo, commit, gpgKey(home, keyId), gpgHomeKeyring(home));
}

/** What `--write-composejson-to` writes. */
export function composeJson(
  repo: Repo,
  commit: string,
  facts: {
    readonly ref: string | undefined;
    readonly inputHash?: string | undefined;
    readonly parent: string | undefined;
    readonly stats: Readonly<Record<string, number>>;
  },
): string {
  const loaded = repo.loadCommit(commit);
  const version = versionOf(loaded);
  const content = createHash('sha256').update(fromHex(loaded.tree)).update(fromHex(loaded.meta)).digest('hex');
  return `${JSON.stringify(
    {
      ...(facts.ref === undefined ? {} : { ref: facts.ref }),
      ...facts.stats,
      'ostree-commit': commit,
      'ostree-content-checksum': content,
      ...(version === undefined ? {} : { 'ostree-version': version }),
      'ostree-timestamp': new Date(Number(loaded.timestamp) * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(facts.inputHash === undefined ? {} : { 'rpm-ostree-inputhash': facts.inputHash }),
      ...(facts.parent !== undefined && repo.hasObject('commit', facts.parent)
        ? { pkgdiff: packageDiffJson(diffCommits(repo, facts.parent, commit)) }
        : {}),
    },
    null,
    2,
  )}\n`;
}

/** Time of the commit: SOURCE_DATE_EPOCH, else now. */
export function composeTime(call: VerbCall): number {
  const text = call.context.env['SOURCE_DATE_EPOCH'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Math.floor(Date.now() / 1000);
}

/** Solves, downloads, composes and commits. `workdir` exists and is ours to fill. */
async function compose(call: VerbCall, input: ComposeInput, workdir: string): Promise<number> {
  const { options, context } = call;
  const { treefile } = input;
  checkDownloads(call);
  const cacheDir = resolve(context.cwd, options.string('cachedir') ?? join(workdir, 'cache'));
  const repo = Repo.open(resolve(context.cwd, options.string('repo')!), { env: context.env });
  const commitIdTo = outputPath(call, 'write-commitid-to');
  const touchPath = outputPath(call, 'touch-if-changed');
  const json = outputPath(call, 'write-composejson-to');
  if (treefile.ref !== undefined) checkRefName(treefile.ref);
  if (treefile.gpgKey !== undefined) gpgKey(defaultGpgHome(context.env), treefile.gpgKey);
  const metadata = extraMetadata(call);
  const plan = await planCompose(call, input, cacheDir, repo);
  if (plan === undefined) return 0;
  const { solved, sources, text } = plan;
  const previous = previousCompose(call, repo, treefile.ref);
  const parentRev = options.string('parent');
  const parent = options.flag('no-parent')
    ? undefined
    : parentRev !== undefined
      ? repo.resolveRev(parentRev)
      : previous.commit;
  if (treefile.ref !== undefined)
    text.line(
      previous.commit === undefined ? `No previous commit for ${treefile.ref}` : `Previous commit: ${previous.commit}`,
    );
  if (isUnchanged(call, plan, previous)) return 0;
  const given = metadata.get('version');
  const version = given?.type === 's' ? String(given.value) : versionFor(treefile, previous.version, composeTime(call));
  await fetchSolved(solved.packages, options.string('proxy'));
  const result = await composeCommit({
    ...sources,
    repo,
    packageRepo: packageRepository(call, repo, cacheDir),
    packages: solved.packages.map((p) => p.path),
    timestamp: composeTime(call),
    ...(version === undefined ? {} : { version }),
    ...(parent === undefined ? {} : { parent }),
    ...(previous.commit === undefined ? {} : { previous: previous.commit }),
    // A ref never shows a commit that lacks its signature.
    ...(commitIdTo === undefined && treefile.gpgKey === undefined ? {} : { ref: null }),
    repos: solved.repos,
    advisories: solved.advisories,
    inputHash: solved.inputHash,
    metadata,
    scratch: join(workdir, 'compose'),
    progress: text.progress,
  });
  if (treefile.gpgKey !== undefined) {
    signWithKey(call, repo, result.commit, treefile.gpgKey);
    if (commitIdTo === undefined && treefile.ref !== undefined) repo.setRef(treefile.ref, result.commit);
  }
  text.line(
    commitIdTo === undefined && treefile.ref !== undefined
      ? `${treefile.ref} => ${result.commit}`
      : `Wrote commit: ${result.commit}`,
  );
  if (commitIdTo !== undefined) replaceFile(commitIdTo, Buffer.from(result.commit));
  if (touchPath !== undefined) touch(touchPath);
  if (json !== undefined)
    replaceFile(
      json,
      Buffer.from(
        composeJson(repo, result.commit, {
          ref: treefile.ref,
          inputHash: solved.inputHash,
          parent,
          stats: result.stats,
        }),
      ),
    );
  return 0;
}

export const verb: Verb = {
  params: 'TREEFILE',
  summary: 'Process a "treefile"; install packages and commit the result to an OSTree repository',
  options: verbOptions(composeTreeOptions, { daemon: false }),
  async run(call) {
    const { options, context } = call;
    const input = readComposeInput(call);
    if (options.flag('print-only')) {
      context.stdout.write(`${JSON.stringify(input.loaded.document, null, 2)}\n`);
      return 0;
    }
    if (options.operands.length > 1) call.usageError(`unexpected argument '${options.operands[1]}' found`);
    if (options.string('repo') === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    checkDirectory(call, 'workdir');
    checkDirectory(call, 'cachedir', true);
    checkDirectory(call, 'source-root');
    const given = options.string('workdir');
    const workdir =
      given === undefined ? mkdtempSync(join(tmpdir(), 'rpm-ostree-compose-')) : resolve(context.cwd, given);
    try {
      return await compose(call, input, workdir);
    } finally {
      if (given === undefined) removeTree(workdir);
    }
  },
};
