// A program of the host, made runnable inside a deployment that has other libraries or none: its own loader and
// libraries are bound beside it and a two-line wrapper starts it through them.

import { spawnSync } from 'node:child_process';
import { constants, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { programInterpreter } from './elf.ts';

export interface HostTool {
  readonly name: string;
  /** Host path of the program. */
  readonly program: string;
  /** Host paths of the loader and of every library, empty for a static program. */
  readonly loader: string | undefined;
  /** The loader's path as the program names it. */
  readonly interpreter: string | undefined;
  readonly libraries: readonly string[];
}

/** The first 64 KiB of a file: the ELF header, the program headers and the interpreter's name lie there. */
function fileHead(path: string): Uint8Array {
  const fd = hostFs.open(path, constants.O_RDONLY);
  try {
    const buffer = Buffer.alloc(65536);
    return buffer.subarray(0, hostFs.read(fd, buffer, 0, buffer.length, 0));
  } finally {
    hostFs.close(fd);
  }
}

/** Finds what `program` needs by asking its own loader (`ld.so --list`). Throws `NotFound`, `Process`. */
export function hostTool(program: string, name: string = basename(program)): HostTool {
  const real = realpathSync(program);
  const loader = programInterpreter(fileHead(real));
  if (loader === undefined) return { name, program: real, loader: undefined, interpreter: undefined, libraries: [] };
  const done = spawnSync(loader, ['--list', real], { encoding: 'utf8' });
  if (done.status !== 0) throw new CoppiceError('Process', `${loader} --list ${real}: ${done.stderr.trim()}`);
  const libraries: string[] = [];
  for (const line of done.stdout.split('\n')) {
    const match = /=>\s+(\/\S+)/.exec(line);
    if (match !== null) libraries.push(match[1]!);
    else if (/=>\s+not found/.test(line))
      throw new CoppiceError('NotFound', `${real}: library ${line.trim().split(' ')[0]} not found`);
  }
  return { name, program: real, loader: realpathSync(loader), interpreter: loader, libraries };
}

/** Folder below `/run/coppice` where a tool's files are bound. */
export const toolsDir = '/run/coppice/tools';

/** bwrap arguments that bind the tool below `toolsDir`. */
export function toolBinds(tool: HostTool): string[] {
  const dir = `${toolsDir}/${tool.name}`;
  const args = ['--ro-bind', tool.program, `${dir}/${tool.name}`];
  if (tool.loader !== undefined) args.push('--ro-bind', tool.loader, `${dir}/lib/ld.so`);
  for (const library of tool.libraries)
    args.push('--ro-bind', realpathSync(library), `${dir}/lib/${basename(library)}`);
  return args;
}

/** The command words that start the tool inside. */
export function toolCommand(tool: HostTool): string[] {
  const dir = `${toolsDir}/${tool.name}`;
  const program = `${dir}/${tool.name}`;
  return tool.loader === undefined
    ? [program]
    : [`${dir}/lib/ld.so`, '--library-path', `${dir}/lib`, '--argv0', tool.name, program];
}
