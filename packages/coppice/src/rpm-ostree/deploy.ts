import { CoppiceError } from '@coppice/base';
import {
  baseOf,
  changePackages,
  checkBranch,
  deployOrigin,
  diffCommits,
  findVersion,
  formatPackageDiff,
  type Origin,
  pullBase,
  withoutOverrideCommit,
} from '@coppice/rpm-ostree';
import {
  bypassDriver,
  cacheOnly,
  downloadOnly,
  lockFinalization,
  reboot,
  stateroot,
  unchangedExit,
  verbOptions,
} from './options.ts';
import { finishChange, inTransaction, openSystem, refuseWithDriver } from './run.ts';
import type { Verb } from './verb.ts';

/** `revision=SHA256`, 64 hex digits, `version=V` or a version. */
function parseRevision(text: string): { readonly checksum: string } | { readonly version: string } {
  if (text.startsWith('revision=')) {
    const checksum = text.slice('revision='.length);
    if (!/^[0-9a-f]{64}$/.test(checksum)) throw new CoppiceError('Usage', `Invalid revision: ${checksum}`);
    return { checksum };
  }
  if (/^[0-9a-f]{64}$/.test(text)) return { checksum: text };
  return { version: text.startsWith('version=') ? text.slice('version='.length) : text };
}

export const verb: Verb = {
  params: 'REVISION',
  summary: 'Deploy a specific commit',
  options: verbOptions(
    [
      ...stateroot,
      reboot,
      { long: 'preview', help: 'Just preview package differences' },
      cacheOnly,
      downloadOnly,
      { long: 'skip-branch-check', help: 'Do not check if commit belongs on the same branch' },
      lockFinalization,
      { long: 'disallow-downgrade', help: 'Forbid deployment of chronologically older trees' },
      unchangedExit('If no new deployment made, exit 77'),
      {
        long: 'register-driver',
        arg: 'DRIVERNAME',
        help: 'Register the calling agent as the driver for updates; if REVISION is an empty string, register driver without deploying',
      },
      bypassDriver('a deploy'),
      {
        long: 'ex-cliwrap',
        arg: 'BOOLEAN',
        hidden: true,
        help: 'Enable or disable wrapping binaries like /usr/bin/rpm',
      },
    ],
    { packages: true },
  ),
  async run(call) {
    const { options } = call;
    const [argument] = options.operands;
    const driver = options.string('register-driver');
    const cliwrap = options.string('ex-cliwrap');
    if (argument === undefined && driver === undefined && cliwrap === undefined)
      call.usageError('REVISION must be specified');
    const install = options.strings('install');
    const uninstall = options.strings('uninstall');
    if (options.flag('preview') && install.length + uninstall.length > 0)
      throw new CoppiceError('Usage', 'Cannot specify both --preview and --install/--uninstall');
    if (cliwrap !== undefined && cliwrap !== 'true' && cliwrap !== 'false')
      throw new CoppiceError('Usage', `Expecting --ex-cli-wrap=true/false but found ${cliwrap}`);
    const system = openSystem(call);
    const { client, text } = system;
    if (driver !== undefined) {
      const { registerDriver } = await import('@coppice/rpm-ostree');
      registerDriver(client, driver);
      if (argument === '') text.line('Empty string revision found; registering update driver only');
      if (argument === undefined || argument === '') return 0;
    } else refuseWithDriver(client, options.flag('bypass-driver'));
    const resolveCommit = async (origin: Origin): Promise<string | undefined> => {
      if (argument === undefined || argument === '') return undefined;
      const revision = parseRevision(argument);
      if (origin.refspec === undefined) throw new CoppiceError('Invalid', 'No origin refspec to deploy from');
      if ('checksum' in revision) {
        client.message(`Validating checksum '${revision.checksum}'`);
        if (!options.flag('skip-branch-check') && origin.refspec.kind !== 'container')
          await checkBranch(client, origin.refspec, revision.checksum, options.flag('cache-only'));
        return revision.checksum;
      }
      client.message(`Resolving version '${revision.version}'`);
      return await findVersion(client, origin.refspec, revision.version, options.flag('cache-only'));
    };
    if (options.flag('preview')) {
      const diff = await inTransaction(system, `deploy ${argument} (preview)`, async () => {
        const previous = client.originMerge;
        const origin = client.origin(previous);
        const checksum = await resolveCommit(origin);
        const base = await pullBase(
          client,
          { ...origin, overrideCommit: checksum! },
          { allowDowngrade: true, current: undefined },
        );
        return formatPackageDiff(diffCommits(client.repo, baseOf(client.repo, previous.checksum), base));
      });
      if (diff === '') return options.flag('unchanged-exit-77') ? 77 : 0;
      text.line(diff.trimEnd());
      return 0;
    }
    const outcome = await inTransaction(system, `deploy ${argument ?? ''}`.trim(), async () => {
      const previous = client.originMerge;
      let origin = client.origin(previous);
      const checksum = await resolveCommit(origin);
      origin = withoutOverrideCommit(origin);
      if (checksum !== undefined) origin = { ...origin, overrideCommit: checksum };
      if (cliwrap !== undefined) origin = { ...origin, cliwrap: cliwrap === 'true' };
      if (install.length + uninstall.length > 0)
        origin = changePackages(client, origin, baseOf(client.repo, previous.checksum), { install, uninstall });
      return await deployOrigin(client, {
        origin,
        pull: checksum !== undefined,
        allowDowngrade: !options.flag('disallow-downgrade'),
        cacheOnly: options.flag('cache-only') || checksum === undefined,
        downloadOnly: options.flag('download-only'),
        lockFinalization: options.flag('lock-finalization'),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot'),
      unchangedExit77: options.flag('unchanged-exit-77'),
      hint: client.compat.upgradeRebootHint,
      unchanged: 'No change.',
    });
  },
};
