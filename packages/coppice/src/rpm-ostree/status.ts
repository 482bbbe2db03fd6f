import { CoppiceError } from '@coppice/base';
import {
  Client,
  formatJsonGlib,
  formatStatus,
  type RpmOstreeCompat,
  runningTransaction,
  type StatusTextOptions,
  statusJson,
  systemStatus,
} from '@coppice/rpm-ostree';
import type { Context } from '../cli/context.ts';
import { selectJson } from './json-path.ts';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

/** How this terminal and locale want the text. */
export function statusTextOptions(
  { env, stdout }: Context,
  compat: RpmOstreeCompat,
): Pick<StatusTextOptions, 'compat' | 'color' | 'columns' | 'utf8'> {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    compat,
    columns: stdout.columns,
    color: stdout.isTTY && (env['NO_COLOR'] ?? '') === '',
    utf8: !compat.modern || /utf-?8/i.test(locale) || locale === '',
  };
}

export const verb: Verb = {
  summary: 'Get the version of the booted system',
  options: verbOptions([
    { long: 'pretty', short: 'p', hidden: true, help: 'This option is deprecated and no longer has any effect' },
    { long: 'verbose', short: 'v', help: 'Print additional fields (e.g. StateRoot); implies -a' },
    { long: 'advisories', short: 'a', help: 'Expand advisories listing' },
    { long: 'json', help: 'Output JSON' },
    { long: 'jsonpath', short: 'J', arg: 'EXPRESSION', help: 'Filter JSONPath expression' },
    { long: 'booted', short: 'b', help: 'Only print the booted deployment' },
    { long: 'pending-exit-77', help: 'If pending deployment available, exit 77' },
  ]),
  run({ context, options }) {
    const expression = options.string('jsonpath');
    if (options.flag('json') && expression !== undefined)
      throw new CoppiceError('Usage', 'Cannot specify both --json and --jsonpath');
    const sysroot = options.string('sysroot');
    const client = Client.open({ ...(sysroot === undefined ? {} : { sysroot }), env: context.env });
    const running = runningTransaction(client);
    const status = systemStatus(
      client,
      running === undefined
        ? undefined
        : {
            title: running.title,
            method: running.method,
            initiator: `client(id:cli dbus:${running.sender} unit:unknown uid:0)`,
            sender: running.sender,
            path: running.path,
          },
    );
    const shown = options.flag('booted')
      ? { ...status, deployments: status.deployments.filter((d) => d.booted) }
      : status;
    if (options.flag('json')) context.stdout.write(`${formatJsonGlib(statusJson(shown))}\n`);
    else if (expression !== undefined)
      context.stdout.write(`${formatJsonGlib(selectJson(statusJson(shown), expression))}\n`);
    else {
      context.stdout.write(
        formatStatus(status, {
          ...statusTextOptions(context, client.compat),
          verbose: options.flag('verbose'),
          advisories: options.flag('advisories') || options.flag('verbose'),
          bootedOnly: options.flag('booted'),
        }),
      );
    }
    const pending = status.deployments[0];
    return options.flag('pending-exit-77') && pending !== undefined && !pending.booted ? 77 : 0;
  },
};
