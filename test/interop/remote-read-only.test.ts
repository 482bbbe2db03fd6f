// Verbs about remotes, summaries and signatures on a repository that is mounted read-only: texts and exit codes.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratch, skipReason } from './ostree-support.ts';

const mounts = spawnSync('unshare', ['-m', 'true']).status === 0;
const why = skipReason ?? (mounts ? undefined : 'mount namespaces cannot be made here');

const calls = `remote add n http://x/
remote add --if-not-exists o http://x/
remote add --force o http://x/
remote add o http://x/
remote delete o
remote delete nope
remote delete --if-exists nope
remote gpg-import -k key.gpg o
remote gpg-import -k key.gpg k
remote add-cookie o d.example / m v
remote delete-cookie o d.example / n
remote list
remote show-url o
summary -u
summary -u -m a='b'
sign --sign-type=dummy main secret
config set core.x y
config unset core.x
config unset core.mode
find-remotes org.x.Y main
pull o
pull-local r main
refs --create=x main
refs --delete main
static-delta reindex`;

describe.skipIf(why !== undefined)(`read-only repositories (${why ?? 'ostree found'})`, () => {
  test('are told of as by the original', () => {
    const work = scratch();
    try {
      const run = (program: string): string => {
        writeFileSync(
          join(work.path, 'run.sh'),
          `cd ${work.path}; rm -rf r t gpg key.gpg; mkdir t; mkdir -m 700 gpg; echo a >t/a
gpg --homedir gpg --batch --passphrase '' --quick-gen-key x@example.com rsa2048 2>/dev/null; gpg --homedir gpg --export 2>/dev/null >key.gpg
gpgconf --homedir gpg --kill all
ostree init --repo=r --mode=archive; ostree --repo=r commit -b main --timestamp=@1 t >/dev/null; ostree --repo=r summary -u
ostree --repo=r remote add --no-gpg-verify o http://127.0.0.1:1/
ostree --repo=r remote add --gpg-import=key.gpg k http://127.0.0.1:1/ >/dev/null
ostree --repo=r remote add-cookie o d.example / n v
mount --bind r r && mount -o remount,ro,bind r || exit 99
while read -r line; do echo "$ $line"; timeout 60 ${program} --repo=r $line 2>&1 </dev/null; echo "=> $?"; done <<'END'
${calls}
END
`,
        );
        const { status, stdout } = spawnSync('unshare', ['-m', 'bash', join(work.path, 'run.sh')], {
          encoding: 'utf8',
          env: {
            ...process.env,
            LC_ALL: 'C.UTF-8',
            TZ: 'UTC',
            OSTREE_DUMMY_SIGN_ENABLED: '1',
            COPPICE_SOURCE: '1',
            COPPICE_COMPAT: 'ostree=2022.7',
          },
        });
        expect(status).toBe(0);
        return stdout;
      };
      const theirs = run('ostree');
      expect(theirs).toContain('error: GPG: open(O_TMPFILE): Read-only file system');
      expect(run(join(import.meta.dirname, '../../bin/ostree'))).toBe(theirs);
    } finally {
      work.remove();
    }
  });
});
