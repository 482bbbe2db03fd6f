// Lines of shell, each in two equal folders: once with the original and once with ours.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import { describeTree, scratch } from './ostree-support.ts';

const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Before each line: `nobody COMMAND...` runs one without rights. */
const functions = 'nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }\n';

/** Two folders below a new one that everyone may enter. */
export class Beside {
  readonly base: string;
  readonly folders: { readonly theirs: string; readonly ours: string };
  readonly remove: () => void;
  readonly #bin: string;
  readonly #env: Record<string, string>;

  constructor() {
    const { path, remove } = scratch();
    this.base = path;
    this.remove = remove;
    this.folders = { theirs: join(path, 'theirs/w'), ours: join(path, 'ours/w') };
    this.#bin = join(path, 'bin');
    this.#env = {
      PATH: systemPath,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      COPPICE_COMPAT: 'ostree=2022.7',
      COPPICE_DIST: join(path, 'dist'),
    };
  }

  /** Builds our command, and makes both folders with a script that calls the original. */
  async make(inputs: string): Promise<void> {
    chmodSync(this.base, 0o755);
    await bundle(this.#env['COPPICE_DIST']!);
    spawnSync('chmod', ['-R', 'a+rX', this.#env['COPPICE_DIST']!]);
    mkdirSync(this.#bin);
    const launcher = join(import.meta.dirname, '../../bin/ostree');
    writeFileSync(join(this.#bin, 'ostree'), `#!/bin/sh\nexec ${launcher} "$@"\n`, { mode: 0o755 });
    mkdirSync(this.folders.theirs, { recursive: true });
    const script = `${functions}${inputs}`;
    const made = spawnSync('bash', ['--norc', '-euc', script], {
      cwd: this.folders.theirs,
      env: this.#env,
      encoding: 'utf8',
    });
    expect([made.status, made.stderr]).toEqual([0, '']);
    mkdirSync(join(this.base, 'ours'));
    spawnSync('cp', ['-a', this.folders.theirs, this.folders.ours]);
  }

  /**
   * The lines of which status, standard output or standard error differ, with what both said. With `fresh` each works on a copy
   * of its own, and what it leaves behind must be equal too.
   */
  different(lines: string, how: { readonly fresh?: boolean; readonly env?: Record<string, string> } = {}): unknown[] {
    const wrong: unknown[] = [];
    for (const line of lines.trim().split('\n')) {
      const [theirs, ours] = (['theirs', 'ours'] as const).map((who) => this.#said(who, line, how));
      if (theirs !== ours) wrong.push([line, theirs, ours]);
    }
    return wrong;
  }

  #said(
    who: 'theirs' | 'ours',
    line: string,
    how: { readonly fresh?: boolean; readonly env?: Record<string, string> },
  ) {
    const folder = this.folders[who];
    const kept = `${folder}.kept`;
    if (how.fresh === true) spawnSync('cp', ['-a', folder, kept]);
    const env = { ...this.#env, PATH: who === 'ours' ? `${this.#bin}:${systemPath}` : systemPath, ...how.env };
    const done = spawnSync('bash', ['--norc', '-c', `${functions}${line}`], { cwd: folder, env, encoding: 'latin1' });
    const left = how.fresh === true ? describeTree(folder, { links: true }).filter((entry) => !unlike.test(entry)) : [];
    if (how.fresh === true) {
      rmSync(folder, { recursive: true });
      spawnSync('mv', [kept, folder]);
    }
    return JSON.stringify([done.status, done.stdout, done.stderr, ...left])
      .replaceAll(folder, 'FOLDER')
      .replaceAll(/staging-[\w-]+/g, 'staging');
  }
}

/** Compressed bytes, and what carries a name by chance. */
const unlike = /\.filez |\/tmp\/staging|\.lock /;
