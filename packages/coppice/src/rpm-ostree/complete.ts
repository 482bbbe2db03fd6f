import { type Client, isLayered, knownPackageNames, type Origin, packagesOf } from '@coppice/rpm-ostree';
import type { Context } from '../cli/context.ts';
import { openOption, optionValue, optionWords, starting } from '../coppice/completion/words.ts';
import { globalOptions } from './options.ts';
import { type VerbGroup, type VerbRow, verbs } from './verbs-table.ts';

/** What a word names, and where the names come from. */
type Kind = keyof typeof sources;

type Known = (client: Client, origin: Origin) => readonly string[];

function basePackages({ repo, originMerge }: Client): readonly string[] {
  const commit = repo.loadCommit(originMerge.checksum);
  const base = isLayered(commit.metadata) && commit.parent !== undefined ? commit.parent : originMerge.checksum;
  return packagesOf(repo, base).map((p) => p.name);
}

const sources = {
  available: knownPackageNames,
  requested: (_client, origin) => [...origin.packages, ...origin.localPackages.map((p) => p.nevra)],
  base: basePackages,
  overridden: (_client, origin) => [
    ...origin.removals,
    ...[...origin.localReplacements, ...origin.localFileOverrides].map((p) => p.nevra),
    ...origin.remoteReplacements.flatMap((r) => r.names),
  ],
  arguments: (client) => (client.originMerge.options ?? '').split(' ').filter((a) => !a.startsWith('ostree=')),
  tracked: (_client, origin) => origin.initramfsEtc,
  refs: (client) => [...client.repo.listRefs().keys()],
  stateroots: (client) => [...new Set(client.sysroot.deployments.map((d) => d.osname))],
} satisfies Record<string, Known>;

const operandKinds: Readonly<Record<string, Kind>> = {
  install: 'available',
  search: 'available',
  uninstall: 'requested',
  'override remove': 'base',
  'override reset': 'overridden',
  rebase: 'refs',
  'db diff': 'refs',
  'db list': 'refs',
  'db version': 'refs',
};

/** By option, or by verb and option where the same option of another verb means something else. */
const valueKinds: Readonly<Record<string, Kind>> = {
  install: 'available',
  uninstall: 'requested',
  remove: 'base',
  'kargs delete': 'arguments',
  'kargs delete-if-present': 'arguments',
  'kargs replace': 'arguments',
  'initramfs-etc untrack': 'tracked',
  stateroot: 'stateroots',
  os: 'stateroots',
};

/** Names for the place of `kind`, of the system that the words name; none when it cannot be read. */
async function names(context: Context, words: readonly string[], kind: Kind | undefined): Promise<readonly string[]> {
  if (kind === undefined) return [];
  try {
    const { Client } = await import('@coppice/rpm-ostree');
    const repository = optionValue(words, 'repo');
    if (kind === 'refs' && repository !== undefined) {
      const { Repo } = await import('@coppice/ostree');
      return [...Repo.open(repository).listRefs().keys()];
    }
    const sysroot = optionValue(words, 'sysroot');
    const stateroot = optionValue(words, 'stateroot') ?? optionValue(words, 'os');
    const client = Client.open({
      env: context.env,
      ...(sysroot === undefined ? {} : { sysroot }),
      ...(stateroot === undefined || kind === 'stateroots' ? {} : { stateroot }),
    });
    return (sources[kind] as Known)(client, client.origin(client.originMerge));
  } catch {
    return [];
  }
}

/**
 * What a shell may offer for the last of `words` (those after `rpm-ostree`): verbs, options, packages, refs, kernel arguments,
 * stateroots. Empty where names of files are wanted. Never throws, fetches or writes: what is not here is not offered.
 */
export async function completeRpmOstree(context: Context, words: readonly string[]): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const rest = words.slice(0, -1);
  let rows: Readonly<Record<string, VerbRow | VerbGroup>> = verbs;
  let verbName = '';
  for (const word of words.slice(0, -1)) {
    if (word.startsWith('-')) continue;
    const row = Object.hasOwn(rows, word) ? rows[word]! : undefined;
    if (row === undefined) return [];
    rest.splice(rest.indexOf(word), 1);
    verbName = verbName === '' ? word : `${verbName} ${word}`;
    if ('subverbs' in row) {
      rows = row.subverbs;
      continue;
    }
    const { options } = (await row.load()).verb;
    const open = openOption(options, rest, current);
    if (open !== undefined) {
      const kind = valueKinds[`${verbName} ${open.long}`] ?? valueKinds[open.long];
      return starting(
        (await names(context, rest, kind)).map((name) => `${open.prefix}${name}`),
        current,
      );
    }
    if (current.startsWith('-')) return starting(optionWords(options), current);
    return starting([...new Set(await names(context, rest, operandKinds[verbName]))], current);
  }
  if (current.startsWith('-')) return starting(optionWords(globalOptions), current);
  const shown = Object.entries(rows).filter(([, row]) => row.hidden !== true);
  return starting(
    shown.map(([name]) => name),
    current,
  );
}
