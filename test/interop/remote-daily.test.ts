// Daily and wrong use of remotes, summaries, signatures and collections beside the original: what is said, and what then
// stands in configs, refs and cookies, must be equal.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode, Variant } from '@coppice/gvariant';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ours, theirs } from './ostree-runners.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const suite = '/usr/libexec/installed-tests/libostree';
const httpd = '/usr/libexec/libostree/ostree-trivial-httpd';
const missing =
  skipReason ??
  [`${suite}/gpghome`, httpd]
    .map((path) => (existsSync(path) ? undefined : `${path} is missing`))
    .find((reason) => reason !== undefined);
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(missing);

const inputs = `
mkdir -p tree/d; echo hi >tree/a; echo x >tree/d/b; chmod 755 tree tree/d; chmod 644 tree/a tree/d/b
cp -r ${suite}/gpghome gh; mkdir -m 700 g2
g() { gpg --homedir g2 --batch --yes --passphrase '' "$@" 2>/dev/null; }
for key in 'Plain <plain@example.com>:never' 'Expired <expired@example.com>:2020-06-01' 'Revoked <revoked@example.com>:never'; do
  g --faked-system-time 20200101T000000 --quick-gen-key "\${key%:*}" rsa2048 sign "\${key##*:}"
done
g --list-keys --with-colons | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' >ids
{ read PLAIN; read EXPIRED; read REVOKED; } <ids
ostree --repo=src init --mode=archive --collection-id=org.x.Src
at=1
for branch in main main other plain revoked expired; do
  ostree --repo=src commit -b $branch --timestamp=@$at tree >/dev/null; at=$((at + 1))
done
ostree --repo=src gpg-sign --gpg-homedir=gh main 472CDAFA
ostree --repo=src gpg-sign --gpg-homedir=g2 plain $PLAIN
for branch in expired revoked; do
  commit=$(ostree --repo=src rev-parse $branch)
  [ $branch = expired ] && key=$EXPIRED || key=$REVOKED
  g --faked-system-time 20200201T000000 -u $key --detach-sign -o $branch.sig src/objects/\${commit:0:2}/\${commit:2}.commit
done
sed 's/^:---/---/' g2/openpgp-revocs.d/$REVOKED.rev >revocation; g --import revocation
g --export >all.gpg; g --armor --export $PLAIN >plain.asc; g --armor --export $EXPIRED >expired.asc
ostree --repo=src summary -u --gpg-homedir=gh --gpg-sign=472CDAFA
ostree --repo=nosum init --mode=archive; ostree --repo=nosum commit -b main --timestamp=@1 tree >/dev/null
ostree --repo=unsigned init --mode=archive; ostree --repo=unsigned commit -b main --timestamp=@1 tree >/dev/null
ostree --repo=unsigned summary -u
ostree --repo=c init --mode=bare-user; ostree --repo=a init --mode=archive
ostree --repo=col init --mode=archive --collection-id=org.x.Me
echo junk >junk.gpg; : >empty.gpg; mkdir m m2
gpgconf --homedir g2 --kill all
`;

/** By repository and verb, one call per line; \`! \` is for the shell. */
const calls: Readonly<Record<string, string>> = {
  add: `
ostree --repo=c remote
ostree --repo=c remote nope
ostree --repo=c remote add
ostree --repo=c remote add o
ostree --repo=c remote add o $URL/src
ostree --repo=c remote add o $URL/src
ostree --repo=c remote add --if-not-exists o http://other/
ostree --repo=c remote add --if-not-exists --force o http://other/
ostree --repo=c remote add --force o $URL/src main other
ostree --repo=c remote add --no-gpg-verify n $URL/src
ostree --repo=c remote add --no-sign-verify s $URL/src
ostree remote add --repo=c x1 $URL/src --set=gpg-verify=false
ostree remote --repo=c add x2 --set=a=b --set a=c $URL/src --set=branches=x
ostree --repo=c remote add x3 $URL/src --set=novalue
ostree --repo=c remote add 'bad/name' $URL/src
ostree --repo=c remote add '' $URL/src
ostree --repo=c remote add ü $URL/src
ostree --repo=c remote add a.b $URL/src
ostree --repo=c remote add e1 ''
ostree --repo=c remote add e2 metalink=http://m/
ostree --repo=c remote add e3 mirrorlist=http://m/
ostree --repo=c remote add e4 metalink=
ostree --repo=c remote add e5 foo=bar
ostree --repo=c remote add --custom-backend=rpm cb
ostree --repo=c remote add --custom-backend=rpm cb2 http://u/ b1
ostree --repo=c remote add --contenturl=http://c/ cu $URL/src
ostree --repo=c remote add --contenturl=mirrorlist=http://c/ cu2 $URL/src
ostree --repo=c remote add --collection-id=org.x.Src ci $URL/src
ostree --repo=c remote add --collection-id=bad ci2 $URL/src
ostree --repo=c remote add --collection-id= ci3 $URL/src
ostree --repo=c remote add --sign-verify=dummy=inline:abc sv2 $URL/src
ostree --repo=c remote add --sign-verify=dummy=file:/nope sv3 $URL/src
ostree --repo=c remote add --sign-verify=nope=inline:abc sv4 $URL/src
ostree --repo=c remote add --sign-verify=dummy=odd:abc sv5 $URL/src
ostree --repo=c remote add --sign-verify=dummy sv6 $URL/src
ostree --repo=c remote add --sign-verify=dummy=inline:a --sign-verify=dummy=inline:b sv8 $URL/src
ostree --repo=c remote add --gpg-import=nope.gpg gi1 $URL/src
ostree --repo=c remote add --gpg-import=all.gpg gi2 $URL/src
ostree --repo=c remote add --gpg-import=plain.asc gi3 $URL/src
ostree --repo=c remote add --gpg-import=junk.gpg gi4 $URL/src
ostree --repo=c remote add --gpg-import=empty.gpg gi5 $URL/src
ostree --repo=c remote add --gpg-import=tree gi6 $URL/src
ostree --repo=c remote add --gpg-import=all.gpg --if-not-exists gi2 $URL/src
ostree --repo=c remote add --gpg-import=plain.asc --force gi2 $URL/src
ostree --repo=c remote add --gpg-import gi7
ostree --repo=c remote add --unknown gi7 x
ostree --repo=nope remote add o x
ostree remote add o x
ostree --repo=c remote list
ostree --repo=c remote list -u
ostree --repo=c remote list extra words
ostree --repo=c remote list --show-urls --repo=a
ostree --repo=a remote list
ostree --repo=c remote show-url
ostree --repo=c remote show-url o
ostree --repo=c remote show-url o n
ostree --repo=c remote show-url nope
ostree --repo=c remote show-url cb
ostree --repo=c remote show-url ''
ostree --repo=c remote show-url e2
ostree --repo=c remote show-url e3
ostree --repo=c remote delete
ostree --repo=c remote delete nope
ostree --repo=c remote delete --if-exists nope
ostree --repo=c remote delete --if-exists x1 extra
ostree --repo=c remote delete x2 x3
ostree --repo=c remote delete gi2
ostree --repo=c remote delete ü
ostree --repo=c remote delete ''
ostree --repo=c remote delete 'bad/name'
`,
  'refs, summary': `
ostree --repo=c remote refs
ostree --repo=c remote refs nope
ostree --repo=c remote refs o
ostree --repo=c remote refs n
ostree --repo=c remote refs n extra
ostree --repo=c remote refs --cache-dir=cache n
ostree --repo=c remote refs --cache-dir n
ostree --repo=c remote refs -r n
ostree --repo=c remote refs e2
ostree --repo=c remote refs cb
ostree --repo=c remote refs ci
ostree --repo=c remote add --no-gpg-verify ns $URL/nosum
ostree --repo=c remote refs ns
ostree --repo=c remote add --no-gpg-verify gone $URL/gone
ostree --repo=c remote refs gone
ostree --repo=c remote summary gone
ostree --repo=c remote add --no-gpg-verify refused http://127.0.0.1:1/
ostree --repo=c remote refs refused
ostree --repo=c remote add --no-gpg-verify odd foo://x/
ostree --repo=c remote refs odd
ostree --repo=c remote add --no-gpg-verify rel some/path
ostree --repo=c remote refs rel
ostree --repo=c remote add --no-gpg-verify fil file://$PWD/src
ostree --repo=c remote refs fil
ostree --repo=c remote add --no-gpg-verify filno file://$PWD/gone
ostree --repo=c remote refs filno
ostree --repo=c remote add --no-gpg-verify filnosum file://$PWD/nosum
ostree --repo=c remote refs filnosum
ostree --repo=c remote summary filnosum
ostree --repo=c remote summary
ostree --repo=c remote summary o
`,
  keys: `
ostree --repo=c remote gpg-import
ostree --repo=c remote gpg-import nope
ostree --repo=c remote gpg-import o --keyring=nope.gpg
ostree --repo=c remote gpg-import o --keyring=junk.gpg
ostree --repo=c remote gpg-import o --keyring=empty.gpg
ostree --repo=c remote gpg-import o -k all.gpg $PLAIN
ostree --repo=c remote gpg-import n -k all.gpg $PLAIN
ostree --repo=c remote gpg-import n -k all.gpg nope@example.com
ostree --repo=c remote gpg-import n -k all.gpg ABCDEF
ostree --repo=c remote gpg-import n -k all.gpg plain@example.com $EXPIRED
ostree --repo=c remote gpg-import n -k all.gpg -k gh/trusted/pubring.gpg
ostree --repo=c remote gpg-list-keys
ostree --repo=c remote gpg-list-keys o
ostree --repo=c remote gpg-list-keys n
ostree --repo=c remote gpg-list-keys nope
ostree --repo=c remote gpg-list-keys cb
ostree --repo=c remote gpg-list-keys o n
`,
  cookies: `
ostree --repo=c remote add-cookie
ostree --repo=c remote add-cookie o a.b / n
ostree --repo=c remote add-cookie o a.b / n v
ostree --repo=c remote add-cookie o a.b / n v2
ostree --repo=c remote add-cookie o a.b /x n v
ostree --repo=c remote add-cookie o a.b / n v extra
ostree --repo=c remote add-cookie nope a.b / n v
ostree --repo=c remote list-cookies
ostree --repo=c remote delete-cookie o a.b /
ostree --repo=c remote delete-cookie o a.b / n
ostree --repo=c remote delete-cookie o a.b / n
ostree --repo=c remote delete-cookie nope a.b / n
ostree --repo=c remote delete-cookie s a.b / n
`,
  summary: `
ostree --repo=a summary
ostree --repo=a summary -u
ostree --repo=a summary -u extra
ostree --repo=a summary -u -m k="'v'"
ostree --repo=a summary -u -m k
ostree --repo=a summary -u -m k=
ostree --repo=a summary -u -m =v
ostree --repo=a summary -u -m k=v
ostree --repo=a summary -u -m k="uint32 5" -m k="'x'"
ostree --repo=a summary -u --gpg-sign=ABC
ostree --repo=a summary -u --gpg-sign=472CDAFA --gpg-homedir=nohome
ostree --repo=a summary -u --gpg-sign=472CDAFA --gpg-homedir=gh
ostree --repo=a summary -u --sign-type=dummy
ostree --repo=col summary -u
ostree --repo=col refs
ostree --repo=nope summary -u
! ostree --repo=f init --mode=archive; ostree --repo=f commit -b main --timestamp=@1 tree; ostree --repo=f commit -b main --timestamp=@2 -s 2 tree; ostree --repo=f static-delta generate main
! rm f/objects/*/*.commit
ostree --repo=f summary -u
! rm -rf f; ostree --repo=f init --mode=archive; ostree --repo=f commit -b main --timestamp=@1 tree
! rm f/objects/*/*.commit
ostree --repo=f summary -u
ostree --repo=f summary -u
ostree --repo=f summary -u
ostree --repo=f summary -u
! rm -rf f; ostree --repo=f init --mode=archive; ostree --repo=f commit -b main --timestamp=@1 tree; ostree --repo=f commit -b main --timestamp=@2 -s 2 tree; ostree --repo=f static-delta generate main; for s in f/deltas/*/*/superblock; do echo junk >$s; done
ostree --repo=f summary -u
! rm -rf f; ostree --repo=f init --mode=bare-user; ostree --repo=f commit -b main --timestamp=@1 tree
ostree --repo=f summary -u
! chmod -R a+rX a col src nosum gh;
`,
  'gpg-sign, sign': `
ostree --repo=src gpg-sign
ostree --repo=src gpg-sign main
ostree --repo=src gpg-sign nope 472CDAFA
ostree --repo=src gpg-sign other ABC
ostree --repo=src gpg-sign other 472CDAFA
ostree --repo=src gpg-sign other --gpg-homedir=gh 472CDAFA
ostree --repo=src gpg-sign other --gpg-homedir=gh 472CDAFA
ostree --repo=src gpg-sign --gpg-homedir=nohome other 472CDAFA
ostree --repo=src gpg-sign --gpg-homedir=g2 other $EXPIRED
ostree --repo=src gpg-sign --gpg-homedir=g2 other $REVOKED
ostree --repo=src gpg-sign --gpg-homedir=g2 other plain@example.com
ostree --repo=src sign
ostree --repo=src sign main
ostree --repo=src sign --sign-type=nope main k
ostree --repo=src sign -s dummy main
ostree --repo=src sign -s dummy main k
ostree --repo=src sign -s dummy main k
ostree --repo=src sign -s dummy main k k2
ostree --repo=src sign -s dummy --verify main k
ostree --repo=src sign -s dummy -v main
ostree --repo=src sign -s dummy --verify main wrong
ostree --repo=src sign -s dummy --verify other k
ostree --repo=src sign -s dummy --verify main main main
ostree --repo=src sign -s dummy
`,
  'show with signatures': `
ostree --repo=src show main
ostree --repo=src show plain
ostree --repo=src show expired
ostree --repo=src show revoked
ostree --repo=src show --gpg-homedir=gh main
ostree --repo=src show --gpg-homedir=g2 plain
ostree --repo=src show --gpg-homedir=g2 expired
ostree --repo=src show --gpg-homedir=g2 revoked
ostree --repo=src show --gpg-verify-remote=nope main
`,
  'pull with key states': `
ostree --repo=c remote add o $URL/src
ostree --repo=c remote gpg-import o -k gh/key1.asc
ostree --repo=c remote add g --gpg-import=all.gpg $URL/src
ostree --repo=c show --gpg-verify-remote=g plain
ostree --repo=c show --gpg-verify-remote=o plain
ostree --repo=c remote add gs --gpg-import=all.gpg --set=gpg-verify-summary=true $URL/src
ostree --repo=c remote refs gs
ostree --repo=c remote summary gs
ostree --repo=c remote add g1 --gpg-import=gh/key1.asc --set=gpg-verify-summary=true $URL/src
ostree --repo=c remote refs g1
ostree --repo=c remote summary g1
ostree --repo=c remote add gn --set=gpg-verify-summary=true $URL/nosum
ostree --repo=c remote refs gn
ostree --repo=src sign -s dummy main k
ostree --repo=c remote add svw --sign-verify=dummy=inline:wrong --no-gpg-verify $URL/src
ostree --repo=c remote add svf --sign-verify=dummy=file:/nope --no-gpg-verify $URL/src
ostree --repo=c remote add svn --set=sign-verify=true --no-gpg-verify $URL/src
ostree --repo=c remote add un --set=unconfigured-state=Need-a-subscription --no-gpg-verify $URL/src
ostree --repo=c remote refs un
`,
  'refs --collections, find-remotes, create-usb': `
ostree --repo=src find-remotes
ostree --repo=src find-remotes org.x.Src
ostree --repo=src find-remotes org.x.Src main extra
ostree --repo=src find-remotes bad main
ostree --repo=src find-remotes org.x.Src bad//ref
ostree --repo=src find-remotes --finders=nope org.x.Src main
ostree --repo=src find-remotes --finders=config,config org.x.Src main
ostree --repo=src find-remotes --finders= org.x.Src main
ostree --repo=src find-remotes --finders=config org.x.Src main
ostree --repo=src find-remotes --finders=mount org.x.Src main
ostree --repo=col find-remotes --finders=config org.x.Src main
ostree --repo=col remote add src --collection-id=org.x.Src --gpg-import=gh/key1.asc $URL/src
ostree --repo=col find-remotes --finders=config org.x.Src main org.x.Src nope
ostree --repo=col find-remotes --finders=config org.x.Src nope
ostree --repo=src create-usb
ostree --repo=src create-usb m
ostree --repo=src create-usb m org.x.Src
ostree --repo=src create-usb m org.x.Src main
! mkdir m m2
ostree --repo=src create-usb m org.x.Src main extra
ostree --repo=src create-usb m bad main
ostree --repo=src create-usb m org.x.No main
ostree --repo=src create-usb m org.x.Src nope
ostree --repo=src create-usb m org.x.Src main
ostree --repo=src create-usb m org.x.Src main org.x.Src other
ostree --repo=src create-usb --destination-repo=d/e m2 org.x.Src main
ostree --repo=src create-usb --destination-repo=d/e m2 org.x.Src other
ostree --repo=src create-usb --commit=0000000000000000000000000000000000000000000000000000000000000000 m2 org.x.Src main
ostree --repo=src create-usb --commit=abc m2 org.x.Src main org.x.Src other
ostree --repo=a create-usb m org.x.Src main
ostree --repo=src create-usb tree/a org.x.Src main
`,
  sysroot: `
! ostree admin init-fs sys; ostree admin os-init x --sysroot=sys
ostree remote add --sysroot=sys so $URL/src
ostree remote add --sysroot=sys so $URL/src
ostree remote add --sysroot=sys --repo=c so $URL/src
ostree remote add --sysroot=sys --force so $URL/src br
ostree remote add --sysroot=sys --gpg-import=all.gpg so2 $URL/src
ostree remote add --sysroot=nosys so $URL/src
ostree remote list --sysroot=sys
ostree remote list --repo=sys/ostree/repo
ostree remote show-url --repo=sys/ostree/repo so
ostree remote add --repo=sys/ostree/repo so $URL/src
ostree remote delete --repo=sys/ostree/repo so
ostree remote delete --sysroot=sys so
ostree remote delete --sysroot=sys so
ostree remote delete --sysroot=sys --if-exists so
ostree remote delete --sysroot=sys so2
ostree config --repo=sys/ostree/repo set core.add-remotes-config-dir true
ostree remote add --repo=sys/ostree/repo so3 $URL/src
ostree remote add --sysroot=sys so4 $URL/src
! mkdir -p sys/etc/ostree/remotes.d; printf '[remote "dup"]\\nurl=http://x/\\n' | tee sys/etc/ostree/remotes.d/a.conf >sys/etc/ostree/remotes.d/b.conf
ostree remote add --sysroot=sys so5 $URL/src
! printf 'junk' > sys/etc/ostree/remotes.d/b.conf
ostree remote add --sysroot=sys so6 $URL/src
`,
};

/** Lines of what is small and matters: configs, refs, cookies, names of the rest. */
function standing(folder: string): string[] {
  const out: string[] = [];
  const visit = (path: string): void => {
    for (const name of readdirSync(join(folder, path)).sort()) {
      const at = `${path}/${name}`;
      if (/^\/(gh|g2)$|\/(objects|tmp|state|extensions|\.lock)$|^\/\w+\/summary/.test(at)) continue;
      const stat = lstatSync(join(folder, at));
      if (stat.isDirectory()) visit(at);
      const isText = stat.isFile() && /config$|\.conf$|cookies\.txt$|\/refs\//.test(at);
      const text = isText ? readFileSync(join(folder, at), 'utf8') : '';
      out.push(
        `${at} ${stat.mode.toString(8)} ${text.replaceAll(folder, 'FOLDER').replace(/\t\d{9,}\t/g, '\tTIME\t')}`,
      );
    }
  };
  visit('');
  return out;
}

describe.skipIf(missing !== undefined)(`remotes in daily use ${missing ?? ''}`, () => {
  const { path: base, remove } = scratch();
  const [mine, other] = [join(base, 'ours/w'), join(base, 'them/w')];
  let port = '';
  let ids: string[] = [];
  beforeAll(() => {
    mkdirSync(other, { recursive: true });
    const env = { ...process.env, LC_ALL: 'C.UTF-8', OSTREE_DUMMY_SIGN_ENABLED: '1' };
    const made = spawnSync('bash', ['--norc', '-euc', inputs], { cwd: other, encoding: 'utf8', env });
    expect([made.status, made.stderr]).toEqual([0, '']);
    for (const branch of ['expired', 'revoked']) {
      const commit = originalOutput(`--repo=${other}/src`, 'rev-parse', branch).trim();
      const signature = readFileSync(join(other, `${branch}.sig`));
      const detached = encode('a{sv}', [['ostree.gpgsigs', new Variant('aay', [signature])]]);
      writeFileSync(join(other, `src/objects/${commit.slice(0, 2)}/${commit.slice(2)}.commitmeta`), detached);
    }
    ids = readFileSync(join(other, 'ids'), 'utf8').trim().split('\n');
    mkdirSync(join(mine, '..'));
    spawnSync('cp', ['-a', other, mine]);
    // It ends when its folder goes.
    spawnSync(httpd, ['--autoexit', '--daemonize', '-p', join(base, 'port')], { cwd: base });
    port = readFileSync(join(base, 'port'), 'utf8').trim();
  });
  afterAll(remove);

  test.each(Object.keys(calls))('%s', async (name) => {
    const wrong: unknown[] = [];
    const here = process.cwd();
    for (const line of calls[name]!.trim().split('\n')) {
      const said: string[] = [];
      for (const folder of [other, mine]) {
        const url = `http://127.0.0.1:${port}/${folder === other ? 'them' : 'ours'}/w`;
        const words = line
          .replaceAll('$URL', url)
          .replaceAll('$PWD', folder)
          .replace(
            /\$(PLAIN|EXPIRED|REVOKED)/g,
            (_, key: string) => ids[['PLAIN', 'EXPIRED', 'REVOKED'].indexOf(key)]!,
          );
        if (words.startsWith('! ')) {
          const env = { ...process.env, OSTREE_DUMMY_SIGN_ENABLED: '1' };
          spawnSync('bash', ['--norc', '-c', words.slice(2)], { cwd: folder, env });
          continue;
        }
        const args = words
          .split(' ')
          .slice(1)
          .map((word) => word.replaceAll("''", ''));
        process.chdir(folder);
        const done = folder === other ? theirs(args) : await ours(args, folder);
        process.chdir(here);
        said.push(JSON.stringify(done).replaceAll(url, 'URL').replaceAll(folder, 'FOLDER'));
      }
      if (said[0] !== said[1]) wrong.push([line, ...said]);
    }
    expect(wrong).toEqual([]);
    const tidy = (folder: string): string[] =>
      standing(folder).map((row) =>
        row.replaceAll(`http://127.0.0.1:${port}/${folder === other ? 'them' : 'ours'}/w`, 'URL'),
      );
    expect(tidy(mine)).toEqual(tidy(other));
  });
});
