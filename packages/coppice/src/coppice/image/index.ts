import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { eraLevel, levels } from '@coppice/ostree/compat';
import { buildImage } from '@coppice/sysroot';
import { compatLevel } from '../../cli/compat.ts';
import type { VerbFamily } from '../verbs.ts';

interface BuildFlags {
  readonly from: string[];
  readonly output: string;
  readonly os?: string;
  readonly karg: string[];
  readonly label: string;
  readonly size?: string;
  readonly remote?: string;
  readonly gpgVerify: boolean;
  readonly json?: boolean;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

const units: Readonly<Record<string, number>> = { '': 1, K: 1 << 10, M: 1 << 20, G: 1 << 30 };

function parseSize(text: string): number {
  const match = /^([0-9]+)([KMG]?)$/i.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * units[match[2]!.toUpperCase()]!;
  if (!Number.isSafeInteger(bytes)) throw new CoppiceError('Usage', `Not a size: ${text} (such as 3G or 800M)`);
  return bytes;
}

/** `REPO:REF`, at the first colon: refs may hold one, for a remote's. */
function parseSource(text: string): { repo: string; ref: string } {
  const at = text.indexOf(':');
  if (at <= 0 || at === text.length - 1) throw new CoppiceError('Usage', `Not REPO:REF: ${text}`);
  return { repo: text.slice(0, at), ref: text.slice(at + 1) };
}

/** `coppice image build`: a bootable disk image from a commit, without root. */
export const define: VerbFamily['define'] = (command, context) => {
  command
    .command('build')
    .description('make a raw ext4 image of a deployed system; needs mke2fs and debugfs, but no root')
    .requiredOption('--from <repo:ref>', 'what to deploy; again for older entries in the boot menu', collect, [])
    .requiredOption('-o, --output <path>', 'the image')
    .option('--os <name>', 'the stateroot (default: ID of the tree’s os-release)')
    .option('--karg <name=value>', 'a kernel argument; root=LABEL=... and rw are added unless given', collect, [])
    .option('--label <label>', 'label of the file system', 'root')
    .option('--size <size>', 'such as 3G (default: what is needed and a third more)')
    .option('--remote <name=url>', 'where the system will fetch updates from')
    .option('--no-gpg-verify', 'do not check signatures of those updates')
    .option('--json', 'print what was made as JSON')
    .action(async (flags: BuildFlags) => {
      const sources = flags.from.map(parseSource);
      const repo = sources[0]!.repo;
      if (sources.some((source) => source.repo !== repo))
        throw new CoppiceError('Usage', 'All --from must name the same repository');
      const at = flags.remote?.indexOf('=') ?? -1;
      if (flags.remote !== undefined && at <= 0) throw new CoppiceError('Usage', `Not NAME=URL: ${flags.remote}`);
      const built = await buildImage({
        repo: resolve(context.cwd, repo),
        refs: sources.map((source) => source.ref),
        output: resolve(context.cwd, flags.output),
        osname: flags.os,
        compat: compatLevel(context.env, 'ostree', levels, eraLevel),
        kernelArguments: flags.karg,
        label: flags.label,
        size: flags.size === undefined ? undefined : parseSize(flags.size),
        remote:
          flags.remote === undefined
            ? undefined
            : { name: flags.remote.slice(0, at), url: flags.remote.slice(at + 1), gpgVerify: flags.gpgVerify },
        onMessage: (message) => context.stderr.write(`${message}\n`),
      });
      context.stdout.write(
        flags.json
          ? `${JSON.stringify(built, null, 2)}\n`
          : `${built.path}: ${Math.round(built.size / 2 ** 20)} MiB, ${built.entries} files, commit ${built.checksum}\n`,
      );
    });
};
