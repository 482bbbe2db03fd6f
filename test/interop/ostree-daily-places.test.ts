// Everyday calls in unusual places, each by a shell beside the original on equal folders: damaged and odd configs, linked
// directories, attributes switched off later, layers over layers, full outputs, masks, users who may not. What is said and
// the status must be equal.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Beside } from './ostree-beside.ts';
import { skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

const inputs = `
umask 022
mkdir -p tree/d/e other/n; chmod 755 .
echo hi >tree/a; ln tree/a tree/hard; : >tree/empty; ln -s a tree/lnk; echo x >tree/d/run; chmod 755 tree/d/run; echo z >tree/d/e/z
echo o >other/a; echo n >other/n/f; setfattr -n user.k -v val tree/d/run; setfattr -n user.dir -v dv tree/d/e
for m in archive bare bare-user bare-user-only; do
  ostree init --repo=$m --mode=$m
  ostree --repo=$m commit -b main --timestamp=@1 --add-metadata-string=version=1 tree
  ostree --repo=$m commit -b main --timestamp=@2 other
  ostree --repo=$m commit -b x/y/z --timestamp=@3 tree
done >/dev/null
ostree --repo=bare-user commit -b owned --timestamp=@3 --owner-uid=3 --owner-gid=4 tree >/dev/null
cp -a archive conf; cp -a archive plain
`;

/** Values of keys that must or must not keep a repository from being opened. */
const configs = `
core min-free-space-percent -1 x 4294967296 100 5.5
core parent :
core archive true
sysroot bls-append-except-default a=b a=b;c ;
sysroot bootprefix x
core k a\\qb
`;

const calls = String.raw`
for m in archive bare bare-user; do ostree --repo=$m config set core.disable-xattrs true; done
ostree --repo=bare fsck -a | grep -v '^fsck objects'
ostree --repo=bare-user ls -RCX x/y/z
ostree --repo=bare checkout -C x/y/z c1; getfattr -R -d c1 2>&1
ostree --repo=bare checkout -H x/y/z c2; getfattr -R -d c2 2>&1
ostree --repo=archive checkout x/y/z c3; getfattr -R -d c3 2>&1
ostree --repo=bare commit --orphan --timestamp=@6 --table-output --link-checkout-speedup c2
ostree --repo=bare-user checkout -U -H owned c4; ostree --repo=bare-user commit -b c4 --timestamp=@6 --table-output -I c4; ostree --repo=bare-user ls -RCX c4
ostree --repo=bare commit --orphan --timestamp=@6 tree
for m in archive bare bare-user; do ostree --repo=$m config unset core.disable-xattrs; done
ostree --repo=bare-user checkout -U x/y/z u1; ostree --repo=bare-user checkout -U --union owned u1; getfattr -d -m ostree u1/a
ostree --repo=bare-user checkout -U -H x/y/z u2; ostree --repo=bare-user checkout -U -H --union-identical owned u2
mkdir u3; cp -a tree/. u3; ostree --repo=bare-user checkout -U --union x/y/z u3; stat -c '%n %h' u3/a u3/d/run
while read -r group key values; do for v in $values; do printf '[core]\nrepo_version=1\nmode=archive-z2\n[%s]\n%s=%s\n' $group $key "$v" >conf/config; ostree --repo=conf refs; ostree --repo=conf config get core.k; done; done <configs 2>&1
printf '[core]\nrepo_version=1\nmode=archive-z2\nk=\xff\n' >conf/config; ostree --repo=conf refs
printf '# c\n[core]\r\nrepo_version=1\r\nmode=archive-z2\r\n' >conf/config; ostree --repo=conf config set core.a b; cat conf/config
cp -a archive l1; mv l1/refs/heads l1-heads; ln -s ../../l1-heads l1/refs/heads; ostree --repo=l1 commit -b n --timestamp=@4 other; ostree --repo=l1 refs
cp -a archive l2; mv l2/refs l2-refs; ln -s ../l2-refs l2/refs; ostree --repo=l2 commit -b n --timestamp=@4 other; ostree --repo=l2 refs
cp -a archive l3; ln -s nope l3/refs/heads/dang; ostree --repo=l3 refs; ostree --repo=l3 prune --refs-only; ostree --repo=l3 refs --delete dang; ostree --repo=l3 refs
ln -s loop l3/refs/heads/loop; ostree --repo=l3 refs
ln -s nowhere l4; ostree --repo=l4 init; cp -a archive l5; rm l5/config; ostree --repo=l5 init
ostree --repo=archive commit --orphan --timestamp=@9 --selinux-policy=tree --selinux-policy-from-base tree
ostree --repo=archive commit --orphan --timestamp=@9 --owner-gid=0x10 --owner-uid=010 tree
ostree --repo=archive commit --orphan --timestamp=@9 --owner-gid=09 tree
printf 'a\xffb' >bad; ostree --repo=archive commit --orphan --timestamp=@9 -F bad tree
ostree --repo=archive commit --orphan --timestamp=@9 -s $'a\xffb' tree
ostree --repo=archive commit --orphan --timestamp=@99999999999999999999 tree
for z in '1970-01-02 b' '1970-01-02 10:00 M' '1970-01-02T10:00y' '1970-01-02 j'; do ostree --repo=archive commit --orphan --timestamp="$z" tree; done
ostree --repo=archive rev-parse x/y; ostree --repo=bare prune --depth=-2 --refs-only --no-prune
ostree --repo=archive ls -R main >/dev/full; ostree --repo=archive cat main /a >/dev/full; ostree --repo=archive export main >/dev/full
ostree --repo=archive cat main /a >&-; ostree --repo=archive cat main /a /n/f >&-; ostree --repo=archive cat main /nope >&-; ostree --repo=archive export main >&-
for v in 'ls -R main' 'log main' refs fsck 'commit -b shut --timestamp=@3 tree' 'checkout -U main shut' 'prune --depth=0' 'pull-local bare-user-only x/y/z'; do ostree --repo=plain $v >&-; echo $?; done; ls plain/refs/heads shut
ostree --repo=archive commit -b full --timestamp=@3 tree >/dev/full; ostree --repo=archive rev-parse full
umask 000; ostree --repo=m0 init --mode=archive; ostree --repo=m0 commit -b m --timestamp=@1 tree; find m0 -not -name 'staging*' -printf '%m %p\n' | sort
umask 077; ostree --repo=m1 init --mode=bare; ostree --repo=m1 commit -b m --timestamp=@1 tree; find m1 -not -name 'staging*' -printf '%m %p\n' | sort
umask 077; ostree --repo=m1 checkout m m2; ostree --repo=archive checkout -U main m3; find m2 m3 -printf '%m %p\n' | sort
mkdir np; chown 65534:65534 np; cd np; nobody ostree --repo=../archive checkout -U main o1; find . -printf '%m %p\n' | sort
for v in 'prune --no-prune' 'prune --no-prune --refs-only' 'prune --no-prune --only-branch=main' 'prune --no-prune --commit-only' 'prune --only-branch=main' 'fsck -q' 'static-delta list' 'show main' 'log main' 'ls -R main' 'remote list' 'cat main /a' 'remote add x http://y'; do for m in archive bare-user; do nobody ostree --repo=$m $v; done; done 2>&1
mkdir -m 700 gh; for v in 'gpg-sign main ABCD1234' 'gpg-sign main ABCD' 'commit --orphan --gpg-sign=ABCD1234 tree'; do GNUPGHOME=$PWD/gh nobody ostree --repo=archive $v; chown -R 65534 plain; GNUPGHOME=$PWD/gh nobody ostree --repo=plain $v; chown -R 0 plain; done 2>&1
for v in 'commit -b n tree' 'refs --create=n main' 'reset main main^' prune 'summary -u' 'config set a.b c' 'static-delta generate --empty --to=main' 'ls main'; do nobody ostree --repo=archive $v; done 2>&1
chmod 700 bare; nobody ostree --repo=bare refs
ostree init --repo=usb --mode=archive --collection-id=org.x.Y; ostree --repo=usb commit -b main --timestamp=@4 tree; mkdir u; ostree --repo=usb create-usb u org.x.Y nope; ostree --repo=usb create-usb u org.x.Y main --destination-repo=; ostree --repo=usb create-usb u org.x.Y main; find u | sort
ostree --repo=usb create-usb u org.x.Y main --destination-repo="$PWD/x"; find x -not -path '*/objects/*' | sort; stat -c '%h %n' {usb,x}/objects/*/*; for d in ../y . ostree/repo .ostree/repo/ a//b/; do ostree --repo=usb create-usb u org.x.Y main --destination-repo=$d; done; readlink u/.ostree/repos.d/[!0]* u/.ostree/repos.d/0[1-9]*; ls
echo x >u/file; ostree --repo=usb create-usb u org.x.Y main --destination-repo=file; ostree --repo=usb create-usb u org.x.Y main --destination-repo=file/x; mkdir u9; nobody ostree --repo=usb create-usb u9 org.x.Y main; nobody ostree --repo=usb create-usb u9 org.x.Y main --destination-repo=b/c
ostree --repo=usb summary -u; for b in main late; do ostree --repo=usb commit -b $b --timestamp=@5 other; done; for r in main late nope; do rm -rf u5; mkdir u5; ostree --repo=usb create-usb u5 org.x.Y $r; find u5 -name '*.commit'; done 2>&1
for k in filez commit dirtree dirmeta; do rm -rf q n n2; cp -a plain q; o=$(ls q/objects/*/*.$k | head -1); rm $o; mkdir $o; ostree init --repo=n --mode=archive; ostree --repo=n pull-local q main; ostree --repo=n pull-local --untrusted q main; ostree init --repo=n2 --mode=bare-user-only; ostree --repo=n2 pull-local q; ostree --repo=n2 pull-local --untrusted q; done
for k in file dirtree; do rm -rf q n n2; cp -a bare-user q; o=$(ls q/objects/*/*.$k | head -1); rm $o; mkdir $o; ostree init --repo=n --mode=bare-user; ostree --repo=n pull-local q main; ostree --repo=n pull-local --untrusted q main; ostree init --repo=n2 --mode=archive; ostree --repo=n2 pull-local q main; done
mkdir np2; chown 65534:65534 np2; cd np2; for v in '' '--subpath=/d' --union -C -z; do nobody ostree --repo=../plain checkout x/y/z c $v; find . -printf '%m %U %p\n' | sort; rm -rf c; done
export OSTREE_DUMMY_SIGN_ENABLED=1; sign='ostree --repo=plain sign -s dummy main'; $sign --verify; $sign k --verify; $sign k; $sign k --verify; $sign q --verify; $sign --verify; for k in k q; do $sign -d $k; ostree --repo=plain show --print-detached-metadata-key=ostree.sign.dummy main; done; $sign -d; $sign -d nope --verify
for r in alpha m/n zeta k; do ostree --repo=plain commit -b $r --timestamp=@9 --bind-ref=q$r other; ostree --repo=plain refs --create=x$r $r; done; ostree --repo=plain fsck -a --verify-bindings; ostree --repo=plain refs --delete xalpha xm/n xzeta xk; ostree --repo=plain fsck --verify-back-refs
(set -- create-usb u6 org.x.Y late; : >usb/summary; mkdir u6; ostree --repo=usb $@; ostree --repo=usb summary -v; ostree --repo=usb summary -u) 2>&1
(cp -a plain nil; : >nil/summary; ostree init --repo=rn --mode=archive; ostree --repo=rn remote add --no-gpg-verify o file://$PWD/nil; ostree --repo=rn pull o main; ostree --repo=rn pull o one two three; ostree --repo=rn pull o a b c d e f g h i; ostree --repo=rn pull --mirror o; ostree --repo=rn remote refs o; ostree --repo=rn remote summary o; ostree --repo=rn pull-local nil) 2>&1
ostree --repo=plain summary -u; ostree init --repo=rd --mode=archive; for r in main '' nope 'main x/y/z'; do ostree --repo=rd pull-local plain --require-static-deltas $r; done
OSTREE_REPO=archive ostree log x/y/z; cd archive; ostree refs; ostree --repo=../bare rev-parse main; TZ=Asia/Kolkata ostree log main
`;

describe.skipIf(skipReason !== undefined)(`daily use in unusual places ${skipReason ?? ''}`, () => {
  const beside = new Beside();
  beforeAll(() => beside.make(`${inputs}cat >configs <<'END'${configs}END\n`));
  afterAll(beside.remove);

  test('says the same', () => {
    expect(beside.different(calls)).toEqual([]);
  });
});
