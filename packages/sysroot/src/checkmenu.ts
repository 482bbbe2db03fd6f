// Checks of the boot menu as a whole: which version is in force, and what a cut-off swap left.

import { type Bit, otherBit } from './bootlinks.ts';
import type { Inspection } from './checkfinding.ts';

const hasEntries = (look: Inspection, path: string): boolean =>
  look.there(`${path}/entries`) &&
  look.fs.readdir(`${look.root}/${path}/entries`).some((name) => name.endsWith('.conf'));

/** The one of loader.0 and loader.1 to use: with entries, and with the links that those lead through. */
function pickLoader(look: Inspection): string {
  const paths = ['boot/loader.0', 'boot/loader.1'].filter((path) => look.there(path));
  const full = paths.filter((path) => hasEntries(look, path));
  const linked = full.filter((path) => look.there(`ostree/boot.${path.slice(-1)}`));
  return linked[0] ?? full[0] ?? paths[0] ?? 'boot/loader.0';
}

function relink(look: Inspection): string | null {
  const path = pickLoader(look);
  if (!look.there(path)) return null;
  return `rm -rf ${look.word('boot/loader')} && ln -s ${path.slice(5)} ${look.word('boot/loader')}`;
}

function relinkBoot(look: Inspection, version: Bit): string | null {
  const found = [0, 1].map((sub) => `boot.${version}.${sub}`).find((name) => look.there(`ostree/${name}`));
  return found === undefined ? null : `ln -sfn ${found} ${look.word(`ostree/boot.${version}`)}`;
}

/** The boot version that boot/loader names; undefined when there is none to follow. */
export function loaderVersion(look: Inspection): Bit | undefined {
  const target = look.link('boot/loader');
  if (target === undefined) {
    const entries = ['boot/loader.0', 'boot/loader.1'].filter((path) => look.there(path));
    if (entries.length > 0)
      look.add(
        'loader-link',
        'fatal',
        'boot/loader',
        `the link is missing, so the boot loader finds no entries, though ${entries.join(' and ')} exist`,
        'make the link again',
        `ln -s ${pickLoader(look).slice(5)} ${look.word('boot/loader')}`,
      );
    else
      look.add(
        'no-deployments',
        'note',
        'boot/loader',
        'nothing was deployed yet',
        'deploy a commit',
        look.admin('deploy', 'REFSPEC'),
      );
    return undefined;
  }
  if (target !== 'loader.0' && target !== 'loader.1') {
    look.add(
      'loader-link',
      'fatal',
      'boot/loader',
      target === '' ? 'is no symbolic link' : `points to ${target}, not to loader.0 or loader.1`,
      'replace it by a link to the one of loader.0 and loader.1 that has entries',
      relink(look),
    );
    return undefined;
  }
  if (!look.there(`boot/${target}`)) {
    look.add(
      'loader-link',
      'fatal',
      'boot/loader',
      `points to ${target}, which is missing: the boot loader finds no entries`,
      'point it to the one that exists',
      relink(look),
    );
    return undefined;
  }
  return target === 'loader.1' ? 1 : 0;
}

/** Links that were prepared or left, and the link that is in force. */
export function checkHalfSwaps(look: Inspection, version: Bit): void {
  const other = otherBit(version);
  const half = ['boot/loader.tmp', `boot/loader.${other}`, `ostree/boot.${other}`].filter(
    (path) => look.link(path) !== undefined,
  );
  if (half.length > 0)
    look.add(
      'half-swap',
      'note',
      half[0]!,
      `a change of the boot menu was prepared but not made, or its remains were not removed (${half.join(', ')}); what is in force is not affected`,
      'remove the link that was prepared, if any; a cleanup removes the rest',
      `${look.link('boot/loader.tmp') === undefined ? '' : `rm -f ${look.word('boot/loader.tmp')} && `}${look.admin('cleanup')}`,
    );
  const target = look.link(`ostree/boot.${version}`);
  if (target === undefined || target === '' || !look.there(`ostree/boot.${version}`))
    look.add(
      'boot-link',
      'fatal',
      `ostree/boot.${version}`,
      target === undefined || target === ''
        ? 'the link is missing: no entry leads to a deployment'
        : `points to ${target}, which is missing: no entry leads to a deployment`,
      `point it to the one of boot.${version}.0 and boot.${version}.1 that exists`,
      relinkBoot(look, version),
    );
  else if (target !== `boot.${version}.0` && target !== `boot.${version}.1`)
    look.add(
      'boot-link',
      'error',
      `ostree/boot.${version}`,
      `points to ${target}, not to boot.${version}.0 or boot.${version}.1`,
      'replace the link',
      relinkBoot(look, version),
    );
  else {
    const idle = `ostree/boot.${version}.${target.endsWith('0') ? 1 : 0}`;
    if (look.there(idle))
      look.add(
        'half-swap',
        'note',
        idle,
        'links that were prepared but are not in force',
        'a cleanup removes them',
        look.admin('cleanup'),
      );
  }
}
