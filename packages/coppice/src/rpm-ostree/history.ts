import { Client, formatJsonGlib, formatTimestamp, readHistory } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  summary: 'Inspect rpm-ostree history of the system',
  options: verbOptions([
    { long: 'verbose', short: 'v', help: 'Print additional fields (e.g. StateRoot)' },
    { long: 'json', help: 'Output JSON' },
    { long: 'limit', short: 'n', arg: 'N', type: 'int', help: 'Limit number of entries to output (default: 3)' },
    { long: 'all', help: 'Output all entries' },
  ]),
  run({ context, options }) {
    const sysroot = options.string('sysroot');
    const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env });
    context.stderr.write('NOTICE: Experimental commands are subject to change.\n');
    const all = readHistory(client);
    const shown = options.flag('all') ? all : all.slice(0, options.number('limit') ?? 3);
    if (options.flag('json')) {
      const deployments = shown.map((e) => ({
        'deployment-create-timestamp': e.deployed,
        'deployment-create-command-line': e.commandLine,
        deployment: {
          osname: e.osname,
          checksum: e.checksum,
          'base-checksum': e.base,
          ...(e.version === undefined ? {} : { version: e.version }),
          ...(e.origin === undefined ? {} : { origin: e.origin }),
          packages: e.packages,
        },
      }));
      context.stdout.write(`${formatJsonGlib({ deployments })}\n`);
      return 0;
    }
    for (const e of shown) {
      const line = (key: string, value: string): void => context.stdout.write(`${key.padStart(24)}: ${value}\n`);
      line('DeploymentCreated', formatTimestamp(e.deployed));
      if (e.commandLine !== '') line('CreateCommand', e.commandLine);
      if (e.origin !== undefined) line('Origin', `${client.compat.refspecPrefix}${e.origin}`);
      if (options.flag('verbose')) line('StateRoot', e.osname);
      if (e.version !== undefined) line('Version', e.version);
      line(e.base === e.checksum ? 'Commit' : 'BaseCommit', e.base);
      if (e.packages.length > 0) line('LayeredPackages', e.packages.join(' '));
      context.stdout.write('\n');
    }
    if (shown.length < all.length)
      context.stdout.write(`${all.length - shown.length} older entries; use --all to see them.\n`);
    return 0;
  },
};
