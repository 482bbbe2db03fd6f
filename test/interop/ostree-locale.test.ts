// Text beyond ASCII under locales of other character sets: what is printed, and which values of options are text at all.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Beside } from './ostree-beside.ts';
import { skipReason } from './ostree-support.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

const inputs = `
mkdir -p tree/ünï/ß other; echo u >tree/ünï/ß/fïle; ln -s → tree/arrow; echo o >other/𐀀; setfattr -n user.k -v ä tree/ünï
ostree init --repo=r --mode=archive; ostree init --repo=c --mode=archive --collection-id=org.x.Y
for r in r c; do
  ostree --repo=$r commit -b main --timestamp=@1 -s Sübject -m Bödy --add-metadata-string=version=1 tree
  ostree --repo=$r commit -b main --timestamp=@2 --add-metadata-string=version=ü2 --bind-ref=other/ü other
done >/dev/null
ostree --repo=r remote add ö http://127.0.0.1:1/ö
`;

const calls = `
ostree --repo=r ls -RCX main^; ostree --repo=r ls -R --nul-filenames-only main^; ostree --repo=r ls main^ /ünïx
ostree --repo=r log main; ostree --repo=r show main^; ostree --repo=r show --raw main
ostree --repo=r show main --print-metadata-key=version
ostree --repo=r show main --print-metadata-key=kéy
ostree --repo=r refs --create=ü main; ls r/refs/heads; ostree --repo=r refs; rm r/refs/heads/[^m]*
ostree --repo=r rev-parse ü; ostree --repo=r rev-parse mäin^; ostree --repo=ärchive refs
ostree --help; ostree foo-ü; ostree ls --help; ostree admin ö; ostree remote ö; ostree --repo=r ls --fö
ostree --repo=r diff main^ main; ostree diff --repo=r main tree
ostree --repo=r checkout -U main^ cö; find cö; ostree --repo=r checkout -U main^ --subpath=/ünï c2; find c2; rm -r cö c2
ostree --repo=r commit -b ö tree --timestamp=@3; ls r/refs/heads; rm -f r/refs/heads/[^m]*
ostree --repo=r commit --orphan --timestamp=@3 tree; ostree --repo=r commit --orphan --timestamp=@3 -F nö tree
ostree --repo=r commit --orphan --timestamp=@3 --tree=dir=trëe; ostree --repo=r commit --orphan --timestamp=ö tree
ostree --repo=r commit --orphan --timestamp=@3 -s öö tree; ostree --repo=r commit --orphan -m ö --statoverride=ö tree
ostree --repo=r commit --orphan --timestamp=@3 --owner-uid=ö tree; ostree --repo=r prune --depth=ö
ostree --repo=r cat main^ /ünï/ß/fïle; ostree --repo=r cat main^ /ünï/ß/x
ostree --repo=r config get cöre.x; ostree --repo=r config set core.x ö; ostree --repo=r config get core.x; cat r/config
ostree --repo=r fsck --verify-bindings; ostree --repo=r fsck --verify-back-refs
ostree --repo=r remote list -u; ostree --repo=r remote show-url ö; ostree --repo=r remote show-url ä
ostree --repo=c refs --collections; ostree --repo=c pull-local r ü; ostree --repo=c pull-local ü
ostree --repo=r reset main ö; ostree --repo=r gpg-sign main ö; ostree --repo=r sign main -s dümmy ö
ostree checksum tree/ünïx; ostree init --repo=n --mode=ö; ostree --repo=c create-usb ü org.x.Y main
`;

const locales: readonly (readonly [string, Record<string, string>])[] = [
  ['none', { LC_ALL: '' }],
  ['one that is not installed', { LC_ALL: '', LANG: 'xx_YY.UTF-8' }],
  ['a category of another', { LC_ALL: '', LANG: 'C.UTF-8', LC_CTYPE: 'POSIX' }],
  ['a category that is not installed', { LC_ALL: '', LANG: 'C.UTF-8', LC_TIME: 'xx_YY' }],
  ['UTF-8 by category', { LC_ALL: '', LC_CTYPE: 'C.utf8' }],
  ['C, and CHARSET', { LC_ALL: 'C', CHARSET: 'ISO-8859-15' }],
  ['CHARSET of two bytes', { CHARSET: 'GBK' }],
];

/** Made by localedef, for which the definitions must be there. */
const made = ['de_DE ISO-8859-1 de_DE', 'ru_RU KOI8-R ru_RU.koi8r', 'en_US UTF-8 en_US.utf8'];
const noDefinitions = existsSync('/usr/share/i18n/locales/de_DE') ? undefined : 'no definitions of locales';

describe.skipIf(skipReason !== undefined)(`under locales ${skipReason ?? ''}`, () => {
  const beside = new Beside();
  beforeAll(() => beside.make(inputs));
  afterAll(beside.remove);

  test('the same text, and values that are none', () => {
    expect(beside.different(calls, { env: { LC_ALL: 'C' } })).toEqual([]);
  });

  const few = calls.trim().split('\n').slice(0, 5).join('\n');
  test.each(locales)('%s: the same text', (_, env) => {
    expect(beside.different(few, { env })).toEqual([]);
  });

  test.skipIf(noDefinitions !== undefined)(`installed ones: the same text ${noDefinitions ?? ''}`, () => {
    const LOCPATH = join(beside.base, 'locales');
    spawnSync('mkdir', [LOCPATH]);
    for (const [source, charset, name] of made.map((words) => words.split(' ')))
      spawnSync('localedef', ['-i', source!, '-f', charset!, '--no-archive', join(LOCPATH, name!)]);
    for (const LC_ALL of ['de_DE', 'de_DE.ISO8859-1', 'ru_RU.KOI8-R', 'en_US.UTF-8', 'en_US', 'C.UTF-8'])
      expect(beside.different(few, { env: { LC_ALL, LOCPATH } })).toEqual([]);
  });
});
