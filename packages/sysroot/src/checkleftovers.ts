// Checks of what no entry leads to: commits without a ref, trees, kernels and locks that nothing uses.

import type { Repo } from '@coppice/ostree';
import { listBootDirectories } from './bootdirs.ts';
import type { Bit } from './bootlinks.ts';
import type { Inspection } from './checkfinding.ts';

/** Whether a ref keeps the commit of each of `count` deployments. */
export function checkRefs(look: Inspection, repo: Repo, version: Bit, count: number): void {
  const target = look.link(`ostree/boot.${version}`) ?? '';
  if (!/^boot\.[01]\.[01]$/.test(target)) return;
  const sub = target.endsWith('.1') ? 1 : 0;
  const refs = repo.listRefs('ostree');
  for (let i = 0; i < count; i++)
    if (!refs.has(`ostree/${version}/${sub}/${i}`))
      look.add(
        'ref-missing',
        'error',
        `ostree/repo/refs/heads/ostree/${version}/${sub}/${i}`,
        `nothing keeps the commit of deployment ${i}: a prune of the repository would remove it`,
        'a cleanup writes the ref',
        look.admin('cleanup'),
      );
}

/** Trees and kernels that are not among `used` and `kernels`. */
export function findLeftovers(look: Inspection, used: ReadonlySet<string>, kernels: ReadonlySet<string>): void {
  const fs = look.fs;
  const base = `${look.root}/ostree/deploy`;
  for (const os of fs.stat(base) === undefined ? [] : fs.readdir(base)) {
    if (fs.stat(`${base}/${os}/deploy`) === undefined) continue;
    for (const name of fs.readdir(`${base}/${os}/deploy`)) {
      const path = `ostree/deploy/${os}/deploy/${name}`;
      if (!name.endsWith('.origin') && !used.has(path))
        look.add(
          'leftover-deployment',
          'note',
          path,
          'no boot entry starts this tree (it may be staged for the next boot)',
          'a cleanup removes it',
          look.admin('cleanup'),
        );
    }
  }
  for (const { name, bootChecksum } of listBootDirectories(fs, look.root))
    if (!kernels.has(bootChecksum))
      look.add(
        'leftover-kernel',
        'note',
        `boot/ostree/${name}`,
        'no boot entry uses this kernel',
        'a cleanup removes it',
        look.admin('cleanup'),
      );
  if (look.there('ostree/lock'))
    look.add(
      'leftover-lock',
      'note',
      'ostree/lock',
      'someone is changing the sysroot, or was killed while doing so',
      'none needed: the file locks nothing once its holder is gone',
    );
}
