import type { Command } from 'commander';
import type { Context } from '../cli/context.ts';
import type { SubVerb } from './sub-verbs.ts';

/** A family of `coppice` verbs. `define` adds options, subcommands and actions; a non-zero exit goes through `exit`. */
export interface VerbFamily {
  define(command: Command, context: Context, exit: (status: number) => void): void;
  /** Its sub-verbs, where it has no more than those. */
  readonly subVerbs?: readonly SubVerb[];
}

export interface VerbEntry {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<VerbFamily>;
}

export const verbs: readonly VerbEntry[] = [
  {
    name: 'config',
    description: 'decompile, compare, preview, check and serve configs',
    load: () => import('./config/index.ts'),
  },
  { name: 'explain', description: 'what a code of a finding means', load: () => import('./explain/index.ts') },
  { name: 'image', description: 'make disk images of deployed systems', load: () => import('./image/index.ts') },
  {
    name: 'sysroot',
    description: 'plan a deployment, check a sysroot',
    load: () => import('./sysroot/index.ts'),
  },
  { name: 'instance', description: 'provision and run instances', load: () => import('./instance/index.ts') },
  {
    name: 'lab',
    description: 'make and serve a small world of packages and streams',
    load: () => import('./lab/index.ts'),
  },
  {
    name: 'doctor',
    description: 'tell what this machine can do and what that means',
    load: () => import('./doctor/index.ts'),
  },
  { name: 'rpm', description: 'look into, check, build and sign RPM packages', load: () => import('./rpm/index.ts') },
  { name: 'repo', description: 'make, query and compare RPM repositories', load: () => import('./repo/index.ts') },
  {
    name: 'node',
    description: 'look ahead on a node: what a change would do, what is in a tree',
    load: () => import('./node/index.ts'),
  },
  {
    name: 'completion',
    description: 'let the shell complete the words of ostree, rpm-ostree and coppice',
    load: () => import('./completion/index.ts'),
  },
];
