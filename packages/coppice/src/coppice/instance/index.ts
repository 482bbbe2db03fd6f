// coppice instance: provision and run instances that are backed by a directory.

import { readFileSync } from 'node:fs';
import type { Progress } from '@coppice/base';
import { CoppiceError, errnoError } from '@coppice/base';
import {
  bootInstance,
  createInstance,
  dataHome,
  deleteInstance,
  hostTool,
  instanceSandbox,
  listInstances,
  loadInstance,
  openSource,
  registeredLab,
  runInteractive,
  takeRebootRequest,
} from '@coppice/instance';
import { eraLevel, levels } from '@coppice/ostree/compat';
import { compatLevel } from '../../cli/compat.ts';
import type { Context } from '../../cli/context.ts';
import type { VerbFamily } from '../verbs.ts';
import { thisHouse } from './house.ts';
import { enterNamespace, privilege } from './namespace.ts';

/** Variables that a command inside may need to behave as outside. */
function passedOn(context: Context): Record<string, string | undefined> {
  const out: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(context.env)) {
    if (
      name.startsWith('COPPICE_') &&
      !['COPPICE_NODE', 'COPPICE_DIST', 'COPPICE_SOURCE', 'COPPICE_NAMESPACE', 'COPPICE_ROOT'].includes(name)
    )
      out[name] = value;
  }
  for (const name of ['TERM', 'TZ', 'NO_COLOR', 'COLUMNS']) out[name] = context.env[name];
  return out;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw errnoError(error, path);
  }
}

function plainProgress(context: Context): Progress {
  return (event) => {
    context.progressFd?.progress(event);
    if (event.type === 'message') context.stdout.write(`${event.text}\n`);
    else if (event.type === 'end') context.stdout.write(`${event.step}... ${event.text ?? 'done'}\n`);
  };
}

interface CreateFlags {
  ignition: string;
  stream: string;
  from?: string;
  key?: string;
  karg: string[];
}

interface ExecFlags {
  tool: string[];
  cwd?: string;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

export const define: VerbFamily['define'] = (command, context, exit) => {
  const home = dataHome(context.env);
  const reboot = (name: string): void => {
    const booted = bootInstance(loadInstance(name, home), { house: thisHouse(), env: passedOn(context) });
    context.stdout.write(`${name}: booted ${booted.record.booted}\n`);
  };
  const execute = async (name: string, words: readonly string[], flags: ExecFlags): Promise<void> => {
    const instance = loadInstance(name, home);
    const sandbox = instanceSandbox(instance, thisHouse(), words, {
      env: passedOn(context),
      tools: flags.tool.map((path) => hostTool(path)),
      ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
    });
    context.stdout.flush();
    exit(await runInteractive(sandbox));
    if (takeRebootRequest(instance)) reboot(name);
  };

  command.enablePositionalOptions();
  command.hook('preAction', (_root, action) => {
    // What touches an instance's files runs in the namespace their owners live in.
    if (action.name() !== 'start-up') enterNamespace(context, process.argv.slice(process.argv.indexOf('instance')));
  });

  command
    .command('create <name>')
    .description('provision an instance: pull a stream with signature check, deploy it, boot it once')
    .requiredOption('--ignition <file>', 'the Ignition config of the first boot')
    .requiredOption('--stream <name>', 'the stream to follow, e.g. stable')
    .option('--from <url>', 'the server that has coppice.json (default: the lab that `coppice lab serve` serves)')
    .option('--key <file>', 'trust this public key instead of the one the server offers')
    .option('--karg <argument>', 'add a kernel argument', collect, [])
    .action(async (name: string, flags: CreateFlags) => {
      const url = flags.from ?? registeredLab(home)?.url;
      if (url === undefined) {
        throw new CoppiceError('Usage', 'no server given: use --from URL, or start one with: coppice lab serve DIR');
      }
      const ignition = readText(flags.ignition);
      const source = await openSource(
        url,
        flags.key === undefined ? {} : { key: Buffer.from(readFileSync(flags.key)) },
      );
      const level = privilege(context);
      const instance = await createInstance({
        name,
        ignition,
        stream: flags.stream,
        source,
        house: thisHouse(),
        home,
        storage: level === 'none' ? 'bare-user' : 'bare',
        subordinate: level === 'subordinate',
        kernelArguments: flags.karg,
        progress: plainProgress(context),
        compat: compatLevel(context.env, 'ostree', levels, eraLevel),
      });
      context.stdout.write(`${name}: booted ${instance.record.booted}\n`);
    });

  command
    .command('list')
    .description('list the instances')
    .option('--json', 'print JSON')
    .action((flags: { json?: boolean }) => {
      const all = listInstances(home);
      if (flags.json) {
        context.stdout.write(
          `${JSON.stringify(
            all.map(({ name, instance }) => instance?.record ?? { name, unfinished: true }),
            null,
            2,
          )}\n`,
        );
        return;
      }
      if (all.length === 0)
        context.stdout.write(
          'No instances; make one with: coppice instance create NAME --ignition FILE --stream stable\n',
        );
      for (const { name, instance } of all) {
        if (instance === undefined)
          context.stdout.write(`${name}  unfinished; remove it with: coppice instance delete ${name}\n`);
        else
          context.stdout.write(
            `${name}  ${instance.record.stream}  ${instance.record.storage}  ${instance.record.booted}\n`,
          );
      }
    });

  command
    .command('exec <name> <command...>')
    .description('run a program of the booted deployment')
    .option('--tool <program>', 'bind a program of this machine, with its libraries, and put it in PATH', collect, [])
    .option('--cwd <dir>', 'where to start (default: /)')
    .passThroughOptions()
    .action((name: string, words: string[], flags: ExecFlags) =>
      execute(name, words[0] === '--' ? words.slice(1) : words, flags),
    );

  command
    .command('shell <name>')
    .description('start a shell in the booted deployment')
    .action((name: string) => execute(name, ['/bin/sh', '-l'], { tool: [] }));

  command
    .command('reboot <name>')
    .description('finalize what is staged and boot what the boot entries say')
    .action(reboot);

  command
    .command('delete <name>')
    .description('remove an instance and all its files')
    .action((name: string) => {
      deleteInstance(name, home);
      context.stdout.write(`${name}: deleted\n`);
    });

  command
    .command('start-up', { hidden: true })
    .description('inside an instance: what happens while it boots')
    .option('--first-boot <config>', 'carry out this Ignition config and enable units by their presets')
    .option('--no-owners', 'the namespace has one user id only: leave owners alone')
    .action(async (flags: { firstBoot?: string; owners: boolean }) => {
      const { startUp } = await import('./start-up.ts');
      await startUp(context, flags);
    });
};
