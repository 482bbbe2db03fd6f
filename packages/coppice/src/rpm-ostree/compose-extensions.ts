import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { Repo } from '@coppice/ostree';
import {
  checkTreefileDocument,
  fetchSolved,
  formatNevra,
  packagesOf,
  type SolvedPackage,
  solveTree,
  typeTreefile,
} from '@coppice/rpm-ostree';
import { parse } from 'yaml';
import { composeArch, openRepositories, readComposeInput } from './compose-input.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

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
  const value = parse(readFileSync(path, 'utf8')) as ExtensionsFile | null;
  if (value === null || typeof value !== 'object' || typeof value.extensions !== 'object')
    throw new CoppiceError('Invalid', `Parsing ${path}: missing field \`extensions\``);
  for (const [name, e] of Object.entries(value.extensions))
    if (!Array.isArray(e.packages))
      throw new CoppiceError('Invalid', `Parsing ${path}: extension ${name} has no packages`);
  return value;
}

export const verb: Verb = {
  params: 'TREEFILE EXTYAML',
  summary: 'Download RPM packages guaranteed to depsolve with a base OSTree',
  options: verbOptions(
    [
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
    const repoPath = options.string('repo');
    if (output === undefined) throw new CoppiceError('Usage', '--output-dir must be specified');
    if (repoPath === undefined) throw new CoppiceError('Usage', '--repo must be specified');
    const [, extensionsPath] = options.operands;
    if (extensionsPath === undefined) call.usageError('EXTYAML must be specified');
    const input = readComposeInput(call);
    const extensions = readExtensions(resolve(context.cwd, extensionsPath!));
    const dir = resolve(context.cwd, output);
    mkdirSync(dir, { recursive: true });
    const cacheDir = resolve(context.cwd, options.string('cachedir') ?? join(dir, '.cache'));
    const repo = Repo.open(resolve(context.cwd, repoPath), { env: context.env });
    const baseRev = options.string('base-rev') ?? input.treefile.ref;
    if (baseRev === undefined) throw new CoppiceError('Usage', '--base-rev must be specified');
    const base = packagesOf(repo, repo.resolveRev(baseRev));
    const wanted: string[] = [];
    for (const extension of Object.values(extensions.extensions)) {
      if (extension.architectures !== undefined && !extension.architectures.includes(composeArch)) continue;
      const match =
        extension['match-base-evr'] === undefined
          ? undefined
          : base.find((p) => p.name === extension['match-base-evr']);
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
    for (const p of fresh) copyFileSync(p.path, join(dir, `${formatNevra(p.nevra).replace(/-\d+:/, '-')}.rpm`));
    writeFileSync(stateFile, state);
    const touch = options.string('touch-if-changed');
    if (touch !== undefined) writeFileSync(resolve(context.cwd, touch), '');
    return 0;
  },
};
