import { describe, expect, it } from 'vitest';
import { type Context, memoryOutput } from '../../src/cli/context.ts';
import { joinWords } from '../../src/coppice/completion/words.ts';
import { completeOstree } from '../../src/ostree/complete.ts';
import { ostree, scratch } from './call.ts';

describe('completion', () => {
  const folder = scratch();
  const context: Context = {
    program: 'coppice',
    env: { COPPICE_COMPAT: 'ostree=2022.7' },
    cwd: folder,
    stdin: { isTTY: false },
    stdout: memoryOutput(),
    stderr: memoryOutput(),
  };

  it('knows verbs, sub-verbs, options, refs and remotes', async () => {
    await ostree(folder, ['--repo=r', 'init', '--mode=archive']);
    for (const name of ['main', 'maint/x']) {
      const args = ['commit', '--fsync=no', '-b', name, `--repo=${folder}/r`, `--tree=dir=${folder}/r/refs/mirrors`];
      expect((await ostree(folder, args)).status).toBe(0);
    }
    await ostree(folder, ['--repo=r', 'remote', 'add', 'origin', 'http://127.0.0.1/']);
    expect(await completeOstree(context, ['re'])).toEqual(['refs', 'remote', 'reset', 'rev-parse']);
    expect(await completeOstree(context, ['--repo=r', 'remote', 'gpg-'])).toEqual(['gpg-import', 'gpg-list-keys']);
    expect(await completeOstree(context, ['--repo=r', 'ls', '--x'])).toEqual(['--xattrs']);
    expect(await completeOstree(context, ['commit', '--own'])).toEqual(['--owner-gid=', '--owner-uid=']);
    expect(await completeOstree(context, ['--repo=r', 'ls', 'mai'])).toEqual(['main', 'maint/x']);
    expect(await completeOstree(context, ['ls', '--repo', 'r', 'main'])).toEqual(['main', 'maint/x']);
    expect(await completeOstree(context, ['--repo=r', 'commit', '-b', 'm'])).toEqual(['main', 'maint/x']);
    expect(await completeOstree(context, ['--repo=r', 'prune', '--only-branch=ma'])).toEqual([
      '--only-branch=main',
      '--only-branch=maint/x',
    ]);
    expect(await completeOstree(context, ['--repo=r', 'remote', 'show-url', ''])).toEqual(['origin']);
  });

  it('offers nothing where it knows nothing', async () => {
    expect(await completeOstree(context, ['--repo=nope', 'ls', ''])).toEqual([]);
    expect(await completeOstree(context, ['nosuch', ''])).toEqual([]);
    expect(await completeOstree(context, ['init', '--repo', ''])).toEqual([]);
  });

  it('joins what bash splits', () => {
    expect(joinWords(['--repo', '=', 'r', 'ls', ''])).toEqual({ joined: ['--repo=r', 'ls', ''], cut: 0 });
    expect(joinWords(['prune', '--only-branch', '=', 'ma'])).toEqual({
      joined: ['prune', '--only-branch=ma'],
      cut: 14,
    });
    expect(joinWords(['prune', '--only-branch', '='])).toEqual({ joined: ['prune', '--only-branch='], cut: 14 });
  });
});
