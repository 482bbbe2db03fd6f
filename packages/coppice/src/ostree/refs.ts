import { CoppiceError, prefixError } from '@coppice/base';
import { checkCollectionId, isRefName, type ListRefsOptions, parseRefspec, type Repo } from '@coppice/ostree';
import { printCollectionRefs } from './refs-collections.ts';
import { printOrder, refTableOrder } from './refs-order.ts';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: '[PREFIX]',
  summary: 'List refs',
  options: (level) => [
    { long: 'delete', help: 'Delete refs which match PREFIX, rather than listing them' },
    { long: 'list', help: 'Do not remove the prefix from the refs' },
    ...(level === '2026.4' ? [{ long: 'revision', short: 'r', help: 'Show revisions in listing' }] : []),
    { long: 'alias', short: 'A', help: 'If used with --create, create an alias, otherwise just list aliases' },
    { long: 'create', arg: 'NEWREF', help: 'Create a new ref for an existing commit' },
    { long: 'collections', short: 'c', help: 'Enable listing collection IDs for refs' },
    { long: 'force', help: 'Overwrite existing refs when creating' },
  ],
  run(call: OstreeCall) {
    const { options, operands } = call;
    const one = options.flag('collections') ? collectionRefs : refs;
    if (operands.length > 0) {
      if (options.has('create') && operands.length > 1)
        throw new CoppiceError('Usage', 'You must specify only 1 existing ref when creating a new ref');
      for (const prefix of operands) one(call, prefix);
      return;
    }
    if (options.flag('delete')) throw new CoppiceError('Usage', 'At least one PREFIX is required when deleting refs');
    if (options.has('create')) throw new CoppiceError('Usage', 'You must specify a revision when creating a new ref');
    one(call, undefined);
  },
};

function refs(call: OstreeCall, prefix: string | undefined): void {
  const { repo, options } = call;
  const alias = options.flag('alias');
  const create = options.string('create');
  if (create !== undefined) createRef(call, create, prefix!);
  else if (options.flag('delete')) deleteRefs(call, prefix!);
  else {
    const keep = options.flag('list') || alias;
    const found = listed(repo, prefix, { cutPrefix: !keep, aliases: alias });
    const cut = keep || prefix === undefined ? '' : `${prefix}/`;
    for (const name of printOrder(repo, found.keys(), cut)) {
      const value = found.get(name)!;
      call.print(alias ? `${name} -> ${value}` : options.flag('revision') ? `${name}\t${value}` : name);
    }
  }
}

/** Refs by prefix as the original names them: those of a whole remote get a dot in between unless the prefix is cut off. */
function listed(repo: Repo, prefix: string | undefined, options: ListRefsOptions = {}): Map<string, string> {
  const remote = /^(.*):\.?$/.exec(prefix ?? '')?.[1];
  if (remote !== undefined && !isRefName(remote)) return new Map();
  if (prefix?.endsWith('/')) throw new CoppiceError('Invalid', `Listing refs: Invalid refspec ${prefix}`);
  const found = repo.listRefs(prefix, options);
  if (remote === undefined || options.cutPrefix === true) return found;
  return new Map(Array.from(found, ([name, value]) => [name.replace(':', ':./'), value]));
}

/** Throws unless a ref of that name may be made. Whatever names a commit is taken: beginnings of checksums and parents too. */
function checkNew({ repo, options }: OstreeCall, name: string): void {
  const found = repo.tryResolveRev(name) !== undefined && (repo.listRefs().has(name) || /^[0-9a-f]*$|\^$/.test(name));
  if (!found || options.flag('force')) return;
  // An alias may be pointed elsewhere.
  if (options.flag('alias') && repo.listRefs(undefined, { aliases: true }).has(name)) return;
  throw new CoppiceError('Exists', `--create specified but ref ${name} already exists`);
}

function createRef(call: OstreeCall, name: string, existing: string): void {
  const { repo, options } = call;
  if (options.flag('delete') || options.flag('list')) listed(repo, existing);
  checkNew(call, name);
  if (!options.flag('alias')) {
    parseRefspec(name);
    repo.setRef(name, repo.resolveRev(existing));
    return;
  }
  if (name.includes(':'))
    throw new CoppiceError('Invalid', `Cannot create alias to remote ref: ${name.slice(0, name.indexOf(':'))}`);
  if (!repo.listRefs().has(existing))
    throw new CoppiceError('NotFound', `Cannot create alias to non-existent ref: ${existing}`);
  repo.setRefAlias(name, existing);
}

function deleteRefs({ repo, options }: OstreeCall, prefix: string): void {
  const aliases = repo.listRefs(undefined, { aliases: true });
  const found = listed(repo, prefix, { aliases: options.flag('alias') });
  for (const name of refTableOrder(repo, found.keys())) {
    for (const [alias, target] of aliases) {
      if (target === name) throw new CoppiceError('Conflict', `Ref '${name}' has an active alias: '${alias}'`);
    }
    repo.setRef(name, null);
  }
}

function collectionRefs(call: OstreeCall, prefix: string | undefined): void {
  const { repo, options } = call;
  const create = options.string('create');
  if (create !== undefined) {
    checkNew(call, create);
    const checksum = repo.resolveRev(prefix!);
    const separator = create.lastIndexOf(':');
    const collection = separator < 0 ? create : create.slice(0, separator);
    checkCollectionId(collection);
    if (separator < 0) throw new CoppiceError('Invalid', 'Invalid ref name (null)');
    const own = collection === repo.settings.collectionId;
    repo.writeRefIn(own ? 'refs/heads' : `refs/mirrors/${collection}`, create.slice(separator + 1), checksum);
    return;
  }
  if (prefix !== undefined) {
    try {
      checkCollectionId(prefix);
    } catch (error) {
      throw prefixError(error, 'Listing refs');
    }
  }
  printCollectionRefs(call, prefix);
}
