import { sendCountme } from '@coppice/rpm-ostree';
import { verbOptions } from './options.ts';
import type { Verb } from './verb.ts';

const archNames: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
};

export const verb: Verb = {
  summary: 'Report base system to count me statistics',
  options: verbOptions([], { daemon: false }),
  async run({ context }) {
    await sendCountme({
      arch: archNames[process.arch] ?? process.arch,
      print: (line) => context.stdout.write(`${line}\n`),
      warn: (line) => context.stderr.write(`${line}\n`),
    });
    return 0;
  },
};
