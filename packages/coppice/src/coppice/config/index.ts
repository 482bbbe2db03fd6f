// coppice config: look into, compare, check and serve configs. One line per sub-verb.
import { defineSubVerbs, type SubVerb } from '../sub-verbs.ts';
import type { VerbFamily } from '../verbs.ts';

const filesDir = ['-d, --files-dir <dir>', 'allow embedding local files from this directory'] as const;

export const subVerbs: readonly SubVerb[] = [
  {
    usage: 'decompile <file>',
    description: 'an Ignition config or MachineConfig as a Butane config',
    options: [
      ['--variant <name>', 'fcos, flatcar, r4e, fiot or openshift (default: fcos)'],
      ['--config-version <version>', 'version of the variant (default: the one with the same Ignition spec)'],
      ['-o, --output <file>', 'write to a file instead of stdout'],
    ],
    load: () => import('./decompile.ts'),
  },
  {
    usage: 'diff <old> <new>',
    description: 'what would change on a node, and whether it needs a reboot or a re-provision',
    options: [filesDir, ['--content', 'show the changed lines of files and units'], ['--json', 'print JSON']],
    load: () => import('./diff.ts'),
  },
  {
    usage: 'preview <file>',
    description: 'the files, accounts and units that a config makes',
    options: [filesDir, ['--content', 'show the contents too'], ['--json', 'print JSON']],
    load: () => import('./preview.ts'),
  },
  {
    usage: 'lint <file>',
    description: 'secrets, limits, units that cannot start, conflicting paths, modes, quadlet mistakes',
    options: [
      filesDir,
      ['-f, --format <format>', 'text, json, sarif or github', 'text'],
      ['--provider <name>', "check this provider's limit of user data (default: all)"],
      ['--disable <code>', 'leave a finding out (may be given several times)', []],
      ['-s, --strict', 'fail on warnings too'],
      ['--split <url>', 'print a pointer config that fetches the config from this address'],
      ['--payload <file>', 'with --split: where to write the config for that address'],
    ],
    load: () => import('./lint.ts'),
  },
  {
    usage: 'schema <variant> [version]',
    description: 'the JSON Schema of a Butane variant, of `ignition`, or of the JSON of `lint`, `diff` and `preview`',
    load: () => import('./schema.ts'),
  },
  {
    usage: 'serve <file>',
    description: 'serve the Ignition config on loopback',
    options: [
      filesDir,
      ['-w, --watch', 'render again on save'],
      ['-p, --port <number>', 'port on 127.0.0.1 (default: a free one)', '0'],
    ],
    load: () => import('./serve.ts'),
  },
];

export const define: VerbFamily['define'] = (command, context, exit) => {
  defineSubVerbs(command, context, exit, subVerbs);
};
