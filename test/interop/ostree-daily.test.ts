// Unusual but legal use of local verbs beside the original: what is said, and at the end what lies on disk, must be equal.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addDeepPath, objects } from './ostree-identical.ts';
import { ours, theirs } from './ostree-runners.ts';
import { describeTree, scratch, skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

const inputs = `
mkdir -p tree/d/e other/n k/d list
echo hi >tree/a; ln tree/a tree/hard; : >tree/empty; ln -s a tree/lnk; ln -s d tree/dl
echo x >tree/d/run; chmod 755 tree/d/run; echo z >tree/d/e/z; echo o >other/a; echo n >other/n/f
chmod 755 tree tree/d tree/d/e other other/n; chmod 644 tree/a tree/empty tree/d/e/z other/a other/n/f
printf '2048/a\\n' >list/nospace; printf '0x800 /a\\n' >list/hex; printf '2048.7 /a\\n' >list/point
printf '/d/\\n/a\\n' >list/skip; printf '/d\\n' >list/skip-name
printf 'main\\0/d\\0main\\0/other\\0' >list/missing; printf 'main\\0' >list/whole; printf 'nope\\0/\\0' >list/nope
tar -C tree --sort=name --mtime=@5 --owner=7 --group=8 -cf part.tar a d/run lnk
tar -C tree --sort=name --mtime=@5 --owner=0 --group=0 -cf all.tar .
tar -C tree --sort=name --mtime=@5 --transform 's,^\\.,x/../y,' -cf up.tar .
echo 1 >k/a; echo 2 >k/d/b; chmod 700 k k/d; tar -C k --owner=9 --group=9 --mtime=@5 -cf late.tar ./a . ./d/b ./d
{ printf 0707070000010000020407550000000000000000010000000000000000000000200000000000.'\\0'
  printf 0707070000010000031006440000000000000000010000000000000000000000200000000003f'\\0hi\\n'
  printf 0707070000000000000000000000000000000000010000000000000000000001300000000000TRAILER!!!'\\0'; } >old.cpio
echo '=384 /nope' >list/absent
: >nothing.tar; mkfifo list/fifo; tar -C list -cf fifo.tar ./fifo; rm list/fifo
`;

/** One command line per line; a line with \`!\` is for the shell. */
const calls = `
--repo=r init --mode=archive
--repo=b init --mode=bare
--repo=u init --mode=bare-user
--repo=r commit -b main --timestamp=@1 --add-metadata-string=a=1 --add-metadata-string=a=2 tree
--repo=r commit -b main --timestamp=@2 --keep-metadata=a --add-metadata-string=a=3 tree
--repo=r show --raw main
--repo=r commit -b a/b/c --timestamp=@3 other
--repo=r commit -b a/b/c/d --timestamp=@3 other
--repo=r rev-parse a/b/c/d
--repo=r commit -b ü --timestamp=@3 other
--repo=r commit -b € --timestamp=@3 other
--repo=r commit -b rem:x --timestamp=@3 other
--repo=r refs a/
--repo=r refs --list rem:
--repo=r refs --delete rem:
--repo=r refs --list no-such:
--repo=r ls -dR main /d
--repo=r commit --orphan --timestamp=@1 --statoverride=list/nospace tree
--repo=r commit --orphan --timestamp=@1 --statoverride=list/hex tree
--repo=r commit --orphan --timestamp=@1 --statoverride=list/point tree
--repo=r commit --orphan --timestamp=@1 --statoverride=tree tree
--repo=r commit --orphan --timestamp=@1 tree/dl
--repo=b commit -b t --timestamp=@1 --tree=tar=part.tar --tar-autocreate-parents --canonical-permissions
--repo=b commit -b t --timestamp=@1 --tree=tar=part.tar --tar-autocreate-parents --owner-uid=3
--repo=b commit -b t --timestamp=@1 --tree=dir=other --tree=tar=part.tar --tar-autocreate-parents
--repo=b commit -b t --timestamp=@1 --tree=tar=late.tar --tar-autocreate-parents
--repo=b commit -b t --timestamp=@1 --tree=tar=nothing.tar --tar-autocreate-parents
--repo=b commit -b t --timestamp=@1 --tree=tar=old.cpio
--repo=b ls -R t
--repo=b commit -b t --timestamp=@1 --tree=tar=fifo.tar
--repo=b commit -b t --timestamp=@1 --tree=tar=up.tar
--repo=b commit -b t --timestamp=@1 --tree=tar=tree
--repo=b commit -b t --timestamp=@1 --tree=tar=all.tar --tar-pathname-filter=^d/,usr/
--repo=b commit -b t --timestamp=@1 --tree=tar=all.tar --tar-pathname-filter=,c --tar-autocreate-parents
--repo=r checkout -U --union --from-file=list/missing o1
--repo=r checkout -U --union --from-file=list/whole o2
--repo=r checkout -U --union --from-file=list/nope o3
--repo=r checkout -U --union --from-file= o3
--repo=r checkout -U --skip-list=list/skip main o4
--repo=r checkout -U --skip-list=list/skip-name main o5
--repo=r checkout -U -H main o6
--repo=r checkout -U --union-add main o7
--repo=r checkout -U main o8
! mkdir -p o9/lnk; rm -f o8/lnk; mkdir o8/lnk
--repo=r checkout -U --union main o9
--repo=b checkout --union t tree/a
--repo=u commit -b main --timestamp=@1 --owner-uid=5 tree
--repo=u checkout -U -H main o11
--repo=u commit --orphan --timestamp=@2 --table-output --link-checkout-speedup o11
--repo=u commit --orphan --timestamp=@2 --table-output --link-checkout-speedup --canonical-permissions o11
--repo=u commit --orphan --timestamp=@2 --table-output --link-checkout-speedup --no-xattrs o11
--repo=u commit --orphan --timestamp=@2 --table-output --link-checkout-speedup --mode-ro-executables o11
--repo=u commit --orphan --timestamp=@2 --table-output --link-checkout-speedup --owner-uid=0 o11
--repo=r commit --orphan --timestamp=@1 -F tree tree
checksum  tree
--repo=r gpg-sign main ABC
--repo=r create-usb nope org.x.Y main
--repo=r diff main main
--repo=r refs --create= main
--repo=r refs --create=main^ main
--repo=r refs --delete --create=y
--repo=r refs --delete --create=y main^
--repo=r refs --create=b:/ nope
--repo=r refs -A --create=also main
--repo=r refs -A main
--repo=r refs -A --delete a
--repo=r refs -c --create=new rem:
--repo=r refs -c --create=new main
--repo=r checkout -U --union --union-add nope o20
--repo=r checkout -U --union --union-add --from-file=list/whole o20
--repo=r checkout -U --union --union-add --from-file=nothing.tar o20
--repo=r checkout -U --skip-list=list/none --from-file=list/whole o20
--repo=r pull-local --gpg-verify nope
--repo=r pull-local --gpg-verify nope main
--repo=r create-usb nope bad main
--repo=r create-usb list bad main
--repo=r show --print-metadata-key=a --print-detached-metadata-key=k main
--repo=r summary -v --sign=k --sign-type=nope
--repo=r summary --raw --sign=k --sign-type=nope
--repo=r commit --orphan --timestamp=@1 -P --tree=tar=part.tar
--repo=r commit --orphan --timestamp=@1 -P --tree=ref=nope
--repo=r commit --orphan --timestamp=@1 --statoverride=list/absent tree
--repo=r diff a/b
checksum --ignore-xattrs nope
--repo=r refs --create=w main
--repo=r prune --retain-branch-depth=main=1 --no-prune --refs-only
--repo=r prune --retain-branch-depth=main=-1 --depth=0 --no-prune --refs-only
--repo=r prune --only-branch=main --depth=0 --no-prune
--repo=r commit -b late --timestamp=@253402300800 tree
--repo=r log late
--repo=r show late
--repo=r summary -u --add-metadata=a
--repo=r config set a.b.c v
--repo=r config get --group=a b.c
--repo=r config nope a b
--repo=r config get --group=a
--repo=r config set core.mode odd
--repo=r refs
! printf '[core]\\nrepo_version=1\\nmode=archive\\ndefault-repo-finders=nope\\n' >r/config
--repo=r refs
! printf '[core]\\nrepo_version=1\\nmode=archive\\nadd-remotes-config-dir=x\\n' >r/config
--repo=r refs
! printf '[core]\\nrepo_version=1\\nmode=archive\\nmin-free-space-size=999999TB\\n' >r/config
--repo=r commit --orphan --timestamp=@9 list
! printf '[core]\\nrepo_version=1\\nmode=archive\\ncollection-id=bad\\n' >r/config
--repo=r commit --orphan --timestamp=@9 other
! printf '[core]\\nrepo_version=1\\nmode=archive\\nparent=none\\n' >r/config
--repo=r refs
! printf '[core]\\nrepo_version=1\\nmode=archive\\n[sysroot]\\nbootloader=nope\\n' >r/config
--repo=r refs
! printf 'junk' >r/config
--repo=r refs
! printf '[core]\\nrepo_version=1\\nmode=archive\\nparent=%s\\n' "$PWD/u" >r/config
--repo=u commit -b base --timestamp=@1 other
--repo=r commit -b own --timestamp=@2 other
--repo=r checkout -U base o10
--repo=r fsck
! printf '[core]\\nrepo_version=1\\nmode=archive\\n' >r/config; mv r/refs/remotes gone
--repo=r fsck
! mv gone r/refs/remotes; mv r/refs/heads gone
--repo=r refs
! mv gone r/refs/heads
`;

describe.skipIf(skipReason !== undefined)(`daily use ${skipReason ?? ''}`, () => {
  const { path: base, remove } = scratch();
  const [mine, other] = [join(base, 'ours/w'), join(base, 'them/w')];
  beforeAll(() => {
    mkdirSync(other, { recursive: true });
    const made = spawnSync('bash', ['--norc', '-euc', inputs], { cwd: other, encoding: 'utf8' });
    expect([made.status, made.stderr]).toEqual([0, expect.anything()]);
    hostFs.setxattr(join(other, 'tree/d/run'), 'user.k', Buffer.from('v'));
    mkdirSync(join(mine, '..'));
    spawnSync('cp', ['-a', other, mine]);
  });
  afterAll(remove);

  test('says the same, and leaves the same', async () => {
    const wrong: unknown[] = [];
    const here = process.cwd();
    for (const line of calls.trim().split('\n')) {
      if (line.startsWith('!')) {
        for (const cwd of [mine, other]) spawnSync('bash', ['--norc', '-c', line.slice(1)], { cwd });
        continue;
      }
      const args = line.split(' ');
      const said: string[] = [];
      for (const folder of [other, mine]) {
        process.chdir(folder);
        const done = folder === other ? theirs(args) : await ours(args, folder);
        said.push(JSON.stringify(done).replaceAll(folder, 'FOLDER'));
      }
      process.chdir(here);
      if (said[0] !== said[1]) wrong.push([line, ...said]);
    }
    expect(wrong).toEqual([]);
    for (const repo of ['r', 'b', 'u']) expect(objects(join(mine, repo))).toEqual(objects(join(other, repo)));
    const checkouts = (folder: string): string[] => readdirSync(folder).filter((name) => /^o\d/.test(name));
    expect(checkouts(mine)).toEqual(checkouts(other));
    for (const folder of ['r/refs', 'b/refs', ...checkouts(other)])
      expect(describeTree(join(mine, folder), { links: true })).toEqual(
        describeTree(join(other, folder), { links: true }),
      );
  });

  test('trees deeper than the longest path', async () => {
    const folder = join(base, 'deep');
    mkdirSync(folder);
    try {
      addDeepPath(folder, 6000);
      const made: unknown[] = [];
      for (const [name, run] of Object.entries({ theirs, ours })) {
        const repo = `--repo=${base}/${name}`;
        await run([repo, 'init', '--mode=bare-user']);
        made.push([
          await run([repo, 'commit', '-b', 'main', '--timestamp=@1', folder]),
          await run([repo, 'checkout', '-U', 'main', `${folder}-${name}`]),
          await run([repo, 'checkout', '-U', '--union', 'main', `${folder}-${name}`]),
          theirs([repo, 'commit', '--orphan', '--timestamp=@2', `${folder}-${name}`]),
        ]);
      }
      expect(made[1]).toEqual(made[0]);
      expect(JSON.stringify(made)).not.toContain('error');
    } finally {
      for (const path of [folder, `${folder}-theirs`, `${folder}-ours`]) spawnSync('rm', ['-rf', path]);
    }
  });
});
