import { CoppiceError } from '@coppice/base';
import {
  baseOf,
  changePackages,
  deployOrigin,
  findVersion,
  formatRefspec,
  type Origin,
  resolveRebaseTarget,
} from '@coppice/rpm-ostree';
import { bypassDriver, cacheOnly, downloadOnly, lockFinalization, reboot, stateroot, verbOptions } from './options.ts';
import { finishChange, inTransaction, openSystem, refuseWithDriver } from './run.ts';
import type { Verb, VerbCall } from './verb.ts';

/** What is rebased to: the refspec argument, or -m and -b. */
function targetOf(call: VerbCall): { readonly refspec: string; readonly localRepo?: string } {
  const { options } = call;
  const [argument] = options.operands;
  const remote = options.string('remote');
  const branch = options.string('branch');
  if (argument === undefined) {
    if (remote !== undefined) return { refspec: `${remote}:${branch ?? ''}` };
    if (branch === undefined) call.usageError('Must specify refspec, or -b branch or -r remote');
    return { refspec: branch! };
  }
  const plain = argument.replace(/^ostree:\/\//, '');
  if (plain === '') throw new CoppiceError('Usage', 'Refspec is empty');
  if (!plain.startsWith('/')) return { refspec: argument };
  const colon = plain.lastIndexOf(':');
  if (colon < 0) throw new CoppiceError('Usage', "Missing ':' in LOCALPATH:REF rebase");
  if (colon === plain.length - 1) throw new CoppiceError('Usage', 'Missing REF in LOCALPATH:REF rebase');
  return { refspec: plain.slice(colon + 1), localRepo: plain.slice(0, colon) };
}

function customOrigin(call: VerbCall): { customOrigin: { url: string; description: string } } | Record<string, never> {
  const url = call.options.string('custom-origin-url');
  if (url === undefined) return {};
  const description = call.options.string('custom-origin-description');
  if (description === undefined)
    throw new CoppiceError('Usage', '--custom-origin-description must be supplied with --custom-origin-url');
  return { customOrigin: { url, description } };
}

export const verb: Verb = {
  params: 'REFSPEC [REVISION]',
  summary: 'Switch to a different tree',
  options: verbOptions(
    [
      ...stateroot,
      {
        long: 'branch',
        short: 'b',
        arg: 'BRANCH',
        help: 'Rebase to branch BRANCH; use --remote to change remote as well',
      },
      {
        long: 'remote',
        short: 'm',
        arg: 'REMOTE',
        help: 'Rebase to current branch name using REMOTE; may also be combined with --branch',
      },
      reboot,
      { long: 'skip-purge', help: 'Keep previous refspec after rebase' },
      cacheOnly,
      downloadOnly,
      { long: 'custom-origin-description', arg: 'DESCRIPTION', help: 'Human-readable description of custom origin' },
      { long: 'custom-origin-url', arg: 'URL', help: 'Machine-readable description of custom origin' },
      { long: 'experimental', help: 'Enable experimental features' },
      { long: 'disallow-downgrade', help: 'Forbid deployment of chronologically older trees' },
      lockFinalization,
      bypassDriver('a rebase'),
    ],
    { packages: true },
  ),
  async run(call) {
    const { options } = call;
    if (options.operands.length > 2) call.usageError('Too many arguments');
    const { refspec, localRepo } = targetOf(call);
    const custom = customOrigin(call);
    const system = openSystem(call);
    const { client } = system;
    refuseWithDriver(client, options.flag('bypass-driver'));
    const outcome = await inTransaction(system, `rebase ${refspec}`, async () => {
      const previous = client.originMerge;
      const before = client.origin(previous);
      const target = resolveRebaseTarget(refspec, before.refspec);
      const old = before.refspec === undefined ? undefined : formatRefspec(before.refspec);
      const next = formatRefspec(target);
      if (old === next && options.operands[1] === undefined && localRepo === undefined)
        throw new CoppiceError('Conflict', `Old and new refs are equal: ${next}`);
      if (
        target.kind === 'ostree' &&
        before.refspec?.kind === 'ostree' &&
        target.remote !== before.refspec.remote &&
        (target.ref === before.refspec.ref || !refspec.includes(':'))
      )
        client.message(`Rebasing to ${next}`);
      const { overrideCommit: _pinned, customOrigin: _custom, unconfiguredState: _state, ...kept } = before;
      let origin: Origin = { ...kept, refspec: target, ...custom };
      const revision = options.operands[1];
      if (revision !== undefined) {
        const plain = revision.replace(/^(revision|version)=/, '');
        const checksum = /^[0-9a-f]{64}$/.test(plain)
          ? plain
          : await findVersion(client, target, plain, options.flag('cache-only'));
        origin = { ...origin, overrideCommit: checksum };
      }
      if (options.strings('install').length + options.strings('uninstall').length > 0)
        origin = changePackages(client, origin, baseOf(client.repo, previous.checksum), {
          install: options.strings('install'),
          uninstall: options.strings('uninstall'),
          allowInactive: true,
        });
      const purge =
        !options.flag('skip-purge') &&
        old !== undefined &&
        old !== next &&
        before.refspec?.kind === 'ostree' &&
        client.repo.tryResolveRev(old) !== undefined;
      return await deployOrigin(client, {
        origin,
        pull: true,
        allowDowngrade: !options.flag('disallow-downgrade'),
        cacheOnly: options.flag('cache-only'),
        downloadOnly: options.flag('download-only'),
        lockFinalization: options.flag('lock-finalization'),
        ...(localRepo === undefined ? {} : { localRepo }),
        always: true,
        ...(purge ? { purgeRef: old } : {}),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot'),
      unchangedExit77: false,
      hint: client.compat.rebootHint,
      unchanged: 'No change.',
    });
  },
};
