import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError, messageOf } from '@coppice/base';
import { replaceFile } from '@coppice/linux';
import { Repo } from '@coppice/ostree';
import { installedPackages } from '@coppice/rpm';
import {
  checkTreefileDocument,
  fetchSolved,
  formatNevra,
  type Nevra,
  nevraOfInstalled,
  packagesOf,
  type SolvedPackage,
  solveTree,
  typeTreefile,
} from '@coppice/rpm-ostree';
import { parse } from 'yaml';
import { composeArch, openRepositories, readComposeInput, readText } from './compose-input.ts';
import { checkDirectory, outputPath, touch } from './compose-output.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

interface Extension {
  readonly packages: readonly string[];
  readonly architectures?: readonly string[];
  readonly 'match-base-evr'?: string;
}

interface ExtensionsFile {
  readonly repos?: readonly string[];
  readonly extensions: Readonly<Record<string, Extension>>;
}

function readExtensions(path: string): ExtensionsFile {
  const fail = (why: string): never => {
    throw new CoppiceError('Invalid', `Parsing ${path}: ${why}`);
  };
  const text = readText(path);
  let value: ExtensionsFile | null = null;
  try {
    value = parse(text) as ExtensionsFile | null;
  } catch (error) {
    fail(messageOf(error).split('\n')[0]!);
  }
  const map = (v: unknown): boolean => v !== null && typeof v === 'object' && !Array.isArray(v);
  if (value === null || !map(value) || !map(value.extensions)) return fail('missing field `extensions`');
  const words = (v: unknown): boolean => Array.isArray(v) && v.every((w) => typeof w === 'string');
  for (const [name, e] of Object.entries(value.extensions)) {
    if (!map(e) || !words(e.packages)) fail(`extension ${name} has no packages`);
    if (e.architectures !== undefined && !words(e.architectures)) fail(`extension ${name}: architectures: not a list`);
  }
  if (value.repos !== undefined && !words(value.repos)) fail('repos: not a list');
  return value;
}

/** Packages of the base: those of --rootfs, else of a commit. */
function basePackages(call: VerbCall, ref: string | undefined): readonly Nevra[] {
  const { options, context } = call;
  const root = options.string('rootfs');
  if (root !== undefined) {
    checkDirectory(call, 'rootfs');
    const database = join(resolve(context.cwd, root), 'usr/share/rpm');
    return [...installedPackages(database)].filter((p) => p.nevra.name !== 'gpg-pubkey').map(nevraOfInstalled);
  }
  const path = options.string('repo');
  if (path === undefined) throw new CoppiceError('Usage', '--repo must be specified');
  const rev = options.string('base-rev') ?? ref;
  if (rev === undefined) throw new CoppiceError('Usage', '--base-rev must be specified');
  const repo = Repo.open(resolve(context.cwd, path), { env: context.env });
  return packagesOf(repo, repo.resolveRev(rev));
}

export const verb: Verb = {
  params: 'TREEFILE EXTYAML',
  summary: 'Download RPM packages guaranteed to depsolve with a base OSTree',
  options: verbOptions(
    [
      { long: 'unified-core', help: 'Use new "unified core" codepath' },
      { long: 'output-dir', arg: 'PATH', help: 'Path to extensions output directory' },
      { long: 'base-rev', arg: 'REV', help: 'Base OSTree revision' },
      { long: 'repo', short: 'r', arg: 'REPO', help: 'Path to OSTree repository' },
      { long: 'cachedir', arg: 'CACHEDIR', help: 'Cached state' },
      { long: 'cache-only', help: 'Assume cache is present, do not attempt to update it' },
      { long: 'rootfs', arg: 'ROOTFS', help: 'Path to already present rootfs' },
      {
        long: 'touch-if-changed',
        arg: 'FILE',
        help: 'Update the modification time on FILE if new extensions were downloaded',
      },
    ],
    { daemon: false },
  ),
  async run(call) {
    const { options, context } = call;
    const output = options.string('output-dir');
    if (output === undefined) throw new CoppiceError('Usage', '--output-dir must be specified');
    const [, extensionsPath] = options.operands;
    if (extensionsPath === undefined) call.usageError('EXTYAML must be specified');
    const input = readComposeInput(call);
    const extensions = readExtensions(resolve(context.cwd, extensionsPath!));
    const touchPath = outputPath(call, 'touch-if-changed');
    checkDirectory(call, 'output-dir', true);
    checkDirectory(call, 'cachedir', true);
    const dir = resolve(context.cwd, output);
    const cacheDir = resolve(context.cwd, options.string('cachedir') ?? join(dir, '.cache'));
    const base = basePackages(call, input.treefile.ref);
    const wanted: string[] = [];
    for (const [title, extension] of Object.entries(extensions.extensions)) {
      if (extension.architectures !== undefined && !extension.architectures.includes(composeArch)) continue;
      const match =
        extension['match-base-evr'] === undefined
          ? undefined
          : base.find((p) => p.name === extension['match-base-evr']);
      if (extension['match-base-evr'] !== undefined && match === undefined)
        throw new CoppiceError('NotFound', `Extension ${title}: ${extension['match-base-evr']} is not in the base`);
      for (const name of extension.packages)
        wanted.push(match === undefined ? name : `${name}-${match.version}-${match.release}`);
    }
    const repos = [...input.treefile.repos, ...(extensions.repos ?? [])];
    const repositories = await openRepositories(call, { ...input, treefile: { ...input.treefile, repos } }, cacheDir);
    // Solved together with the exact builds of the base, so that the two fit.
    const document = checkTreefileDocument(
      { packages: [...base.map(formatNevra), ...wanted], recommends: false },
      composeArch,
    );
    const solved = solveTree({ repositories, arch: composeArch, treefile: typeTreefile(document), document });
    const inBase = new Set(base.map(formatNevra));
    const fresh: SolvedPackage[] = solved.packages.filter((p) => !inBase.has(formatNevra(p.nevra)));
    const state = createHash('sha512')
      .update(
        fresh
          .map((p) => p.checksum)
          .sort()
          .join('\n'),
      )
      .digest('hex');
    const stateFile = join(dir, '.rpm-ostree-state-chksum');
    if (existsSync(stateFile) && readFileSync(stateFile, 'utf8') === state) {
      context.stdout.write('No change.\n');
      return 0;
    }
    await fetchSolved(fresh);
    mkdirSync(dir, { recursive: true });
    for (const p of fresh) copyFileSync(p.path, join(dir, `${formatNevra(p.nevra).replace(/-\d+:/, '-')}.rpm`));
    replaceFile(stateFile, Buffer.from(state));
    if (touchPath !== undefined) touch(touchPath);
    return 0;
  },
};
