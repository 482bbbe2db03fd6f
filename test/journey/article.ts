// Plays the article: each command on the host or inside an instance, on a terminal, in order.

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Comparison, comparable } from './compare.ts';
import { screenLines } from './screen.ts';

export const repositoryRoot: string = resolve(import.meta.dirname, '../..');

export interface Step {
  readonly chapter: string;
  readonly command: string;
  readonly where: 'host' | 'instance';
  readonly machine?: string;
  /** Expected exit status, 0 when absent. */
  readonly status?: number;
  readonly compare: Comparison;
  readonly note?: string;
  readonly transcript?: string;
}

export interface Played {
  readonly step: Step;
  readonly status: number;
  readonly lines: readonly string[];
  readonly ms: number;
}

export function articleSteps(): Step[] {
  return parse(readFileSync(join(repositoryRoot, 'examples/article/article.yaml'), 'utf8')) as Step[];
}

export interface Stage {
  /** Working folder: configs, the lab, the instances. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A stage in the empty folder `dir` with the article's config file in it. */
export function setStage(dir: string, extra: Readonly<Record<string, string>> = {}): Stage {
  mkdirSync(dir, { recursive: true });
  cpSync(join(repositoryRoot, 'examples/article/example-fcc-systemd.yaml'), join(dir, 'example-fcc-systemd.yaml'));
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  return {
    dir,
    env: {
      ...env,
      PATH: `${join(repositoryRoot, 'bin')}:${process.env['PATH']}`,
      XDG_DATA_HOME: join(dir, 'data'),
      TERM: 'xterm',
      COLUMNS: '200',
      NO_COLOR: '1',
      TZ: 'UTC',
      ...extra,
    },
  };
}

/** Runs shell words on a terminal of their own (util-linux `script`) and gives what the terminal shows. */
export function onTerminal(stage: Stage, words: readonly string[]): Promise<{ status: number; lines: string[] }> {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return new Promise((resolvePromise, reject) => {
    const child = spawn('script', ['-qec', `stty cols 200 -echo 2>/dev/null; exec ${quoted}`, '/dev/null'], {
      cwd: stage.dir,
      env: stage.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (status) =>
      resolvePromise({ status: status ?? 1, lines: screenLines(Buffer.concat(chunks).toString()) }),
    );
  });
}

export async function playStep(stage: Stage, step: Step): Promise<Played> {
  const words =
    step.where === 'host'
      ? ['sh', '-c', step.command]
      : ['coppice', 'instance', 'exec', step.machine!, '--', 'sh', '-c', step.command];
  const begun = performance.now();
  const { status, lines } = await onTerminal(stage, words);
  return { step, status, lines, ms: performance.now() - begun };
}

/** The expected and actual text of a step in comparable form. */
export function heldAgainstArticle(played: Played): { expected: string[]; actual: string[] } {
  const { step, lines } = played;
  return {
    expected: comparable(step.compare, (step.transcript ?? '').replace(/\n$/, '').split('\n')),
    actual: comparable(step.compare, lines),
  };
}
