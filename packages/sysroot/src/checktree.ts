// Checks of a deployed tree: its /etc, its origin, its commit and what the commit is made of.

import { isCoppiceError, messageOf } from '@coppice/base';
import { readFile } from '@coppice/linux';
import type { Repo } from '@coppice/ostree';
import type { Finding, Inspection } from './checkfinding.ts';
import { shellWord } from './checkfinding.ts';
import type { Remedy } from './checkremedy.ts';
import { composefsOfTree } from './composefs/from-commit.ts';
import { parseDeploymentName } from './deployment.ts';
import { Origin } from './origin.ts';
import { loadPrepareRoot, parsePrepareRoot } from './prepareroot.ts';

export interface TreePlace {
  /** CHECKSUM.SERIAL. */
  readonly name: string;
  readonly osname: string;
  readonly severity: Finding['severity'];
  readonly repo: Repo | undefined;
  readonly remedy: Remedy;
}

const immutableFlag = 0x10;

/** `deployment` is its path below the sysroot. */
export function checkTree(look: Inspection, deployment: string, place: TreePlace): void {
  const { name, severity, repo, remedy } = place;
  if (look.there(`${deployment}/usr/etc`) && !look.there(`${deployment}/etc`))
    look.add(
      'etc-missing',
      severity,
      `${deployment}/etc`,
      'the tree has defaults in usr/etc but no etc: its creation was cut off',
      'put the defaults there; local changes come from another deployment, or are lost',
      `chattr -f -i ${look.word(deployment)}; cp -a ${look.word(`${deployment}/usr/etc`)} ${look.word(`${deployment}/etc`)}`,
    );
  else label(look, deployment, remedy);
  let checksum: string;
  try {
    ({ checksum } = parseDeploymentName(name));
  } catch (error) {
    if (!isCoppiceError(error)) throw error;
    look.add('entry-link', severity, deployment, error.message, 'remove the entry and deploy again', remedy.replace);
    return;
  }
  origin(look, deployment, checksum, repo);
  if (repo === undefined) return;
  if (!repo.hasObject('commit', checksum)) {
    look.add(
      'commit-missing',
      'error',
      deployment,
      'its commit is not in the repository: it boots, but has no version and cannot be copied or compared',
      'pull the commit again',
      `ostree pull --repo=${look.word('ostree/repo')} REMOTE ${checksum}`,
    );
    return;
  }
  if (look.deep) contents(look, deployment, checksum, repo, place);
  const flags = repo.mode === 'bare' ? look.fs.getFlags(`${look.root}/${deployment}`) : undefined;
  if (flags !== undefined && (flags & immutableFlag) === 0)
    look.add(
      'not-immutable',
      'note',
      deployment,
      'the directory is not immutable: files made in / by mistake would go into this tree',
      'set the flag',
      `chattr +i ${look.word(deployment)}`,
    );
}

function origin(look: Inspection, deployment: string, checksum: string, repo: Repo | undefined): void {
  const path = `${deployment}.origin`;
  // A ref that leads to the commit makes upgrades possible; the commit itself only keeps it in place.
  const ref =
    repo === undefined
      ? undefined
      : [...repo.listRefs()].find(([name, sum]) => sum === checksum && !/^ostree\/[01]\//.test(name))?.[0];
  const command = `printf '[origin]\\nrefspec=%s\\n' ${shellWord(ref ?? checksum)} > ${look.word(path)}`;
  if (!look.there(path)) {
    look.add(
      'origin-missing',
      'error',
      path,
      'without an origin file the deployment cannot be upgraded',
      'write one that names what it follows',
      command,
    );
    return;
  }
  try {
    Origin.parse(readFile(`${look.root}/${path}`, { fs: look.fs, limit: 1 << 20 }));
  } catch (error) {
    look.add(
      'origin-unreadable',
      'error',
      path,
      `the origin file cannot be read (${messageOf(error)}), so ostree admin refuses this sysroot; it boots all the same`,
      'write one that names what it follows',
      command,
    );
  }
}

/** A policy in the tree, and an /etc that was never labelled by it. */
function label(look: Inspection, deployment: string, remedy: Remedy): void {
  const config = `${look.root}/${deployment}/etc/selinux/config`;
  if (look.fs.stat(config) === undefined) return;
  const text = readFile(config, { fs: look.fs, limit: 1 << 20 }).toString();
  const type = /^SELINUXTYPE=(\S+)/m.exec(text)?.[1];
  if (type === undefined || /^SELINUX=disabled/m.test(text)) return;
  if (!look.there(`${deployment}/etc/selinux/${type}/contexts/files/file_contexts`)) return;
  if (look.fs.getxattr(`${look.root}/${deployment}/etc`, 'security.selinux') !== undefined) return;
  look.add(
    'etc-unlabeled',
    'error',
    `${deployment}/etc`,
    'has no SELinux labels, though the tree has a policy: services could not read their configuration',
    'deploy again, which labels /etc',
    remedy.redeploy(),
  );
}

/** Every object of the commit, and the image that an initramfs may mount as root. */
function contents(look: Inspection, deployment: string, checksum: string, repo: Repo, place: TreePlace): void {
  const missing: string[] = [];
  const seen = new Set<string>();
  const need = (type: 'dirtree' | 'dirmeta' | 'file', sum: string): boolean => {
    const key = `${sum}.${type}`;
    if (seen.has(key)) return false;
    seen.add(key);
    const there = repo.hasObject(type, sum);
    if (!there) missing.push(key);
    return there;
  };
  const walk = (tree: string, meta: string): void => {
    need('dirmeta', meta);
    if (!need('dirtree', tree)) return;
    const { files, dirs } = repo.loadDirTree(tree);
    for (const file of files) need('file', file.checksum);
    for (const child of dirs) walk(child.tree, child.meta);
  };
  const commit = repo.loadCommit(checksum);
  walk(commit.tree, commit.meta);
  if (missing.length > 0) {
    const source = look.source(place.osname, place.name);
    const remote = source.includes(':') ? source.split(':') : undefined;
    const store = `--repo=${look.word('ostree/repo')}`;
    look.add(
      'object-missing',
      'error',
      deployment,
      `${missing.length} objects of its commit are not in the repository, ${missing[0]} for one: it boots, but cannot be deployed again`,
      remote === undefined ? 'take them from the deployed tree' : 'pull the commit again',
      remote === undefined
        ? `ostree commit ${store} --orphan --tree=dir=${look.word(deployment)}`
        : `ostree pull ${store} ${shellWord(remote[0]!)} ${shellWord(remote.slice(1).join(':'))}`,
    );
    return;
  }
  const image = `${deployment}/.ostree.cfs`;
  if (!look.there(image)) return;
  const bytes = readFile(`${look.root}/${image}`, { fs: look.fs, limit: 1 << 30 });
  // Objects may have been sealed, or copied, since it was made.
  const kinds = needsVerity(look, deployment) ? (['yes'] as const) : (['no', 'maybe'] as const);
  if (!kinds.some((verity) => composefsOfTree(repo, commit, { verity }).image.equals(bytes)))
    look.add(
      'composefs-image',
      place.severity,
      image,
      'is not the image of the commit: a machine that mounts its root through composefs would start something else, or nothing',
      'make the deployment anew',
      place.remedy.renew(),
    );
}

/** Whether the image has the digests of files: where the tree says that they will be asked for. */
function needsVerity(look: Inspection, deployment: string): boolean {
  try {
    return parsePrepareRoot(loadPrepareRoot(look.fs, `${look.root}/${deployment}`)).requireVerity;
  } catch {
    return false;
  }
}
