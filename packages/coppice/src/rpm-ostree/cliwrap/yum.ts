import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import type { WrapHost } from './host.ts';
import { imageBased } from './host.ts';

const alternatives: readonly (readonly [string, string])[] = [
  ['toolbox', 'For command-line development and debugging tools in a privileged container'],
  ['podman', 'General purpose containers'],
  ['docker', 'General purpose containers'],
  ['flatpak', 'Desktop (GUI) applications'],
];

const unhandled = `rpm-ostree: Unknown arguments passed to yum/dnf compatibility wrapper.

Please see \`yum --help\` for currently accepted commands via this
wrapper, and \`rpm-ostree --help\` for more information about the rpm-ostree
project.`;

const help = `Compatibility wrapper implementing subset of yum/dnf CLI

Usage: yum <upgrade|update|status|install|search>
`;

/** The verb of rpm-ostree that a verb of yum stands for. */
const same: Readonly<Record<string, string>> = { upgrade: 'upgrade', update: 'upgrade', status: 'status' };

/** Where else packages can go, as far as this system has it. */
function insteadOfInstalling(host: WrapHost): string {
  const there = alternatives
    .filter(([name]) => existsSync(join(host.root, 'usr/bin', name)))
    .map(([name, use]) => `\n - \`${name}\`: ${use}`);
  return `${imageBased}
Before installing packages to the host root filesystem, consider other options:${there.join('')}
 - \`rpm-ostree install\`: Install RPM packages layered on the host root filesystem.
   Consider these "operating system extensions".
   Add \`--apply-live\` to immediately start using the layered packages.`;
}

/** A call of yum or dnf; `rpmOstree` runs a verb of ours. Throws `Unsupported` with what to do instead. */
export async function wrapYum(
  host: WrapHost,
  args: readonly string[],
  rpmOstree: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === '--help' || verb === '-h' || verb === '--version' || verb === 'help') {
    host.context.stdout.write(help);
    return 0;
  }
  const own = verb === undefined || !Object.hasOwn(same, verb) ? undefined : same[verb];
  if (own !== undefined && rest.length === 0) {
    host.context.stderr.write(`${imageBased}\n`);
    return await rpmOstree([own]);
  }
  if (verb === 'install') throw new CoppiceError('Unsupported', insteadOfInstalling(host));
  if (verb === 'search')
    throw new CoppiceError('Unsupported', `${imageBased}\nUse \`rpm-ostree search\` to look for packages.`);
  throw new CoppiceError('Unsupported', unhandled);
}
