import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { type Client, deployOrigin } from '@coppice/rpm-ostree';
import { type Deployment, KernelArguments } from '@coppice/sysroot';
import { lockFinalization, stateroot, unchangedExit, verbOptions } from './options.ts';
import { finishChange, inTransaction, openSystem } from './run.ts';
import type { Verb, VerbCall } from './verb.ts';

const modifiers = ['append', 'replace', 'delete', 'append-if-missing', 'delete-if-present'] as const;

function checkOptions(call: VerbCall): void {
  const { options } = call;
  const given = modifiers.filter((m) => options.has(m));
  const wrong = (message: string): never => {
    throw new CoppiceError('Usage', message);
  };
  if (options.flag('editor') && given.length > 0)
    wrong('Cannot specify --editor with --replace, --delete, --append, --delete-if-present or --append-if-missing');
  if (options.has('delete') && options.has('replace')) wrong('Cannot specify both --delete and --replace');
  if (options.flag('import-proc-cmdline') && options.has('deploy-index'))
    wrong('Cannot specify both --import-from-proc-cmdline and --deploy-index');
  if (options.flag('import-proc-cmdline') && (options.has('os') || options.has('stateroot')))
    wrong('Cannot specify both osname and --import-from-proc-cmdline');
  if (options.flag('reboot') && given.length === 0 && !options.flag('editor'))
    wrong('Cannot reboot when kernel arguments not changed');
}

function chosenDeployment(client: Client, index: string | undefined): Deployment {
  if (index === undefined) return client.originMerge;
  const n = /^\d+$/.test(index) ? Number(index) : -1;
  const found = client.sysroot.deployments[n];
  if (found === undefined) throw new CoppiceError('NotFound', `Deployment index '${index}' out of range`);
  return found;
}

function currentArguments(client: Client, call: VerbCall): KernelArguments {
  if (call.options.flag('import-proc-cmdline'))
    return KernelArguments.fromProcCmdline(readFileSync('/proc/cmdline', 'utf8'));
  return KernelArguments.parse(chosenDeployment(client, call.options.string('deploy-index')).options ?? '');
}

/** Carries out the options; what is said without a condition counts as a change whatever comes out. */
function change(call: VerbCall, list: KernelArguments): boolean {
  const { options } = call;
  const existing = new Set(list.toArray());
  const missing = options.strings('append-if-missing').filter((a) => !existing.has(a));
  const present = options.strings('delete-if-present').filter((a) => existing.has(a));
  const [deleted, replaced, appended] = (['delete', 'replace', 'append'] as const).map((o) => options.strings(o));
  for (const a of deleted!) list.delete(a);
  for (const a of replaced!) list.replaceValue(a);
  for (const a of [...appended!, ...missing]) list.append(a);
  for (const a of present) list.delete(a);
  return [deleted!, replaced!, appended!, missing, present].some((some) => some.length > 0);
}

function edit(call: VerbCall, list: KernelArguments): KernelArguments {
  const { env } = call.context;
  const editor = env['EDITOR'] ?? env['VISUAL'] ?? 'vi';
  const shown = list.toArray().filter((a) => !a.startsWith('ostree='));
  const dir = mkdtempSync(join(tmpdir(), 'kargs-'));
  try {
    const file = join(dir, 'kargs');
    writeFileSync(
      file,
      `\n# Kernel arguments, one or more per line, each KEY or KEY=VALUE.\n# Lines starting with '#' are ignored. The argument 'ostree' is made anew and cannot be set here.\n${shown.join(' ')}\n`,
    );
    const result = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    if (result.status !== 0) throw new CoppiceError('Process', `There was a problem with the editor '${editor}'`);
    const words = readFileSync(file, 'utf8')
      .split('\n')
      .map((l) => l.trim())
      .filter((l) => l !== '' && !l.startsWith('#'))
      .join(' ');
    const next = KernelArguments.parse(words);
    if (next.has('ostree'))
      throw new CoppiceError('Usage', "You have an 'ostree' argument in your input, that is not going to be handled");
    if (words === '') throw new CoppiceError('Usage', 'The kernel arguments can not be empty');
    if (words === shown.join(' ')) throw new CoppiceError('Usage', 'The kernel arguments remained the same');
    return next;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export const verb: Verb = {
  summary: 'Query or modify kernel arguments',
  options: verbOptions([
    ...stateroot,
    {
      long: 'deploy-index',
      arg: 'INDEX',
      help: 'Modify the kernel args from a specific deployment based on index. Index is in the form of a number (e.g. 0 means the first deployment in the list)',
    },
    { long: 'reboot', help: 'Initiate a reboot after operation is complete' },
    {
      long: 'append',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Append kernel argument; useful with e.g. console= that can be used multiple times. empty value for an argument is allowed',
    },
    {
      long: 'replace',
      arg: 'KEY=VALUE=NEWVALUE',
      type: 'strings',
      help: 'Replace existing kernel argument, the user is also able to replace an argument with KEY=VALUE if only one value exist for that argument ',
    },
    {
      long: 'delete',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Delete a specific kernel argument key/val pair or an entire argument with a single key/value pair',
    },
    {
      long: 'append-if-missing',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Like --append, but does nothing if the key is already present',
    },
    {
      long: 'delete-if-present',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Like --delete, but does nothing if the key is already missing',
    },
    unchangedExit('If no kernel args changed, exit 77'),
    {
      long: 'import-proc-cmdline',
      help: 'Instead of modifying old kernel arguments, we modify args from current /proc/cmdline (the booted deployment)',
    },
    { long: 'editor', help: 'Use an editor to modify the kernel arguments' },
    lockFinalization,
  ]),
  async run(call) {
    checkOptions(call);
    const { options, context } = call;
    const system = openSystem(call);
    const { client } = system;
    const list = currentArguments(client, call);
    if (!options.flag('editor') && !modifiers.some((m) => options.has(m))) {
      context.stdout.write(`${list.toString()}\n`);
      return 0;
    }
    // While the editor is open others may go on; what they change is not overwritten.
    const edited = options.flag('editor') ? edit(call, list) : undefined;
    if (edited !== undefined && client.sysroot.reloadIfChanged())
      throw new CoppiceError(
        'Conflict',
        `Conflict: bootloader configuration changed. Saved kernel arguments: \n${edited.toString()}`,
      );
    const outcome = await inTransaction(system, 'kargs', async () => {
      const previous = client.originMerge;
      const next = edited ?? list;
      if (edited === undefined && !change(call, next)) return { changed: false, base: previous.checksum, previous };
      return await deployOrigin(client, {
        origin: client.origin(previous),
        pull: false,
        cacheOnly: true,
        kernelArguments: next.toArray().filter((a) => !a.startsWith('ostree=')),
        always: true,
        lockFinalization: options.flag('lock-finalization'),
      });
    });
    return finishChange(system, outcome, {
      reboot: options.flag('reboot'),
      unchangedExit77: options.flag('unchanged-exit-77'),
      hint: client.compat.rebootHint,
      unchanged: 'No changes.',
    });
  },
};
