import { CoppiceError } from '@coppice/base';
import type { Repo } from '@coppice/ostree';
import {
  type Advisory,
  advisoriesJson,
  baseOf,
  Client,
  diffPackages,
  formatAdvisories,
  formatChangelogDiff,
  formatJsonGlib,
  formatPackageDiff,
  formatPackageDiffMerged,
  type Json,
  type Nevra,
  newAdvisories,
  type PackageDiff,
  packagesOf,
} from '@coppice/rpm-ostree';
import { describeCommit, openDbRepo, repoOption } from './db-options.ts';
import { verbOptions } from './options.ts';
import type { Verb, VerbCall } from './verb.ts';

interface Side {
  readonly name: string;
  readonly checksum: string;
}

/** The two commits to compare: as named, or those of the deployments. */
function sides(call: VerbCall): { readonly repo: Repo; readonly from: Side; readonly to: Side } {
  const { operands } = call.options;
  if (operands.length > 2) call.usageError('"rpm-ostree db diff" takes at most 2 arguments');
  if (operands.length === 2) {
    const repo = openDbRepo(call);
    const [from, to] = operands as [string, string];
    return {
      repo,
      from: { name: from, checksum: repo.resolveRev(from) },
      to: { name: to, checksum: repo.resolveRev(to) },
    };
  }
  const sysroot = call.options.string('sysroot');
  const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: call.context.env });
  const { repo, booted } = client;
  const { pending, rollback } = client.sysroot.pendingAndRollback(client.osname);
  const side = (name: string, checksum: string | undefined): Side => {
    if (checksum === undefined) throw new CoppiceError('NotFound', `No ${name} found`);
    return { name, checksum: call.options.flag('base') ? baseOf(repo, checksum) : checksum };
  };
  if (operands.length === 1)
    return {
      repo,
      from: side('booted deployment', booted?.checksum),
      to: { name: operands[0]!, checksum: repo.resolveRev(operands[0]!) },
    };
  if (booted === undefined) {
    const [first, second] = client.deployments;
    return {
      repo,
      from: side('rollback deployment', second?.checksum),
      to: side('pending deployment', first?.checksum),
    };
  }
  if (pending !== undefined)
    return { repo, from: side('booted deployment', booted.checksum), to: side('pending deployment', pending.checksum) };
  return {
    repo,
    from: side('rollback deployment', rollback?.checksum),
    to: side('booted deployment', booted.checksum),
  };
}

function diffJson(from: string, to: string, diff: PackageDiff, advisories: readonly Advisory[]): Json {
  const tuple = (p: Nevra): Json => [p.name, `${p.epoch === 0 ? '' : `${p.epoch}:`}${p.version}-${p.release}`, p.arch];
  const rows: { name: string; row: Json }[] = [
    ...diff.removed.map((p) => ({ name: p.name, row: [p.name, 1, { PreviousPackage: tuple(p) }] as Json })),
    ...diff.added.map((p) => ({ name: p.name, row: [p.name, 0, { NewPackage: tuple(p) }] as Json })),
    ...diff.upgraded.map((c) => ({
      name: c.from.name,
      row: [c.from.name, 2, { PreviousPackage: tuple(c.from), NewPackage: tuple(c.to) }] as Json,
    })),
    ...diff.downgraded.map((c) => ({
      name: c.from.name,
      row: [c.from.name, 3, { PreviousPackage: tuple(c.from), NewPackage: tuple(c.to) }] as Json,
    })),
  ];
  rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return {
    'ostree-commit-from': from,
    'ostree-commit-to': to,
    pkgdiff: rows.map((r) => r.row),
    advisories: advisoriesJson(advisories),
  };
}

export const verb: Verb = {
  params: '[FROM_REV] [TO_REV]',
  summary: 'Show package changes between two commits',
  options: verbOptions(
    [
      repoOption,
      { long: 'format', short: 'F', arg: 'FORMAT', help: 'Output format: "diff" or "json" or (default) "block"' },
      { long: 'changelogs', short: 'c', help: 'Also output RPM changelogs' },
      { long: 'sysroot', arg: 'SYSROOT', help: 'Use system root SYSROOT (default: /)' },
      { long: 'base', help: "Diff against deployments' base, not layered commits" },
      { long: 'advisories', short: 'a', help: 'Also output new advisories' },
    ],
    { daemon: false },
  ),
  run(call) {
    const format = call.options.string('format') ?? 'block';
    const [changelogs, advisories] = [call.options.flag('changelogs'), call.options.flag('advisories')];
    if (format === 'json' && changelogs) call.usageError('json format and --changelogs not supported');
    if (format === 'diff' && advisories) call.usageError('diff format and --advisories not supported');
    if (!['block', 'diff', 'json'].includes(format))
      call.usageError('Format argument is invalid, pick one of: diff, block, json');
    const { repo, from, to } = sides(call);
    const diff = diffPackages(packagesOf(repo, from.checksum), packagesOf(repo, to.checksum));
    const { stdout } = call.context;
    const fresh = newAdvisories(repo, from.checksum, to.checksum);
    if (format === 'json') {
      stdout.write(`${formatJsonGlib(diffJson(from.checksum, to.checksum, diff, fresh))}\n`);
      return 0;
    }
    stdout.write(`ostree diff commit from: ${describeCommit(from.name, from.checksum)}\n`);
    stdout.write(`ostree diff commit to:   ${describeCommit(to.name, to.checksum)}\n`);
    if (format === 'diff') stdout.write(formatPackageDiffMerged(diff));
    else stdout.write(changelogs ? formatChangelogDiff(repo, from.checksum, to.checksum) : formatPackageDiff(diff));
    if (advisories) stdout.write(`\n${formatAdvisories(fresh)}`);
    return 0;
  },
};
