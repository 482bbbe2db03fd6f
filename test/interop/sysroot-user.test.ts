// A sysroot made by an unprivileged user with ours: a repository of mode bare-user, trees checked out in user mode. The
// original cannot deploy so, but it reads the result.

import { spawnSync } from 'node:child_process';
import { chownSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';
import {
  baseTree,
  env,
  must,
  type Outcome,
  original,
  skipReason,
  temporaryFolder,
  writeTree,
} from './sysroot-support.ts';

const nobody = 65534;

describe.skipIf(skipReason !== undefined)(
  `a sysroot without root${skipReason === undefined ? '' : `: ${skipReason}`}`,
  () => {
    let work: string;
    let dist: string;

    const asNobody = (args: readonly string[]): Outcome => {
      const ids = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
      const result = spawnSync('setpriv', [...ids, process.execPath, join(dist, 'main.cjs'), 'ostree', ...args], {
        cwd: work,
        env: { ...env, COPPICE_COMPAT: 'ostree=2022.7' },
        encoding: 'utf8',
      });
      return { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr };
    };

    beforeAll(async () => {
      // Inside the tree, where native modules are found.
      dist = join(import.meta.dirname, '../../node_modules/.cache/interop-sysroot-user');
      await bundle(dist);
      work = temporaryFolder();
      chownSync(work, nobody, nobody);
      writeTree(join(work, 'tree'), baseTree);
      rmSync(join(work, 'tree/usr/etc/secret'));
      spawnSync('chown', ['-R', `${nobody}:${nobody}`, work]);
    });
    afterAll(() => {
      rmSync(work, { recursive: true, force: true });
    });

    it('is made, deployed and upgraded, and the original agrees on what it holds', () => {
      spawnSync('install', ['-d', '-o', String(nobody), '-g', String(nobody), join(work, 's/ostree')]);
      chownSync(join(work, 's'), nobody, nobody);
      must(asNobody(['init', '--repo=s/ostree/repo', '--mode=bare-user']));
      must(asNobody(['admin', 'init-fs', '--modern', 's']));
      must(asNobody(['admin', 'os-init', '--sysroot=s', 'os']));
      const commit = [
        'commit',
        '--repo=s/ostree/repo',
        '-b',
        'main',
        '-s',
        'x',
        '--canonical-permissions',
        '--tree=dir=tree',
      ];
      must(asNobody([...commit, '--add-metadata-string=version=1']));
      must(asNobody(['admin', 'deploy', '--sysroot=s', '--os=os', '--karg=quiet', 'main']));
      must(asNobody([...commit, '--add-metadata-string=version=2']));
      must(asNobody(['admin', 'upgrade', '--sysroot=s', '--os=os', '--allow-downgrade']));
      const same = (args: readonly string[]): void =>
        expect(asNobody(args), args.join(' ')).toEqual(original(args, work));
      same(['admin', 'status', '--sysroot=s']);
      expect(asNobody(['admin', 'status', '--sysroot=s']).stdout).toMatch(/Version: 2[\s\S]*Version: 1/);
      for (const args of [['refs'], ['log', 'main'], ['ls', '-R', '-C', 'main'], ['show', 'main']])
        same([args[0]!, '--repo=s/ostree/repo', ...args.slice(1)]);
      expect(must(original(['fsck', '--repo=s/ostree/repo'], work))).toContain('no errors found');
      expect(readdirSync(join(work, 's/boot/loader/entries')).sort()).toEqual(['ostree-1-os.conf', 'ostree-2-os.conf']);
      must(asNobody(['admin', 'undeploy', '--sysroot=s', '1']));
      same(['admin', 'status', '--sysroot=s']);
    });
  },
);
