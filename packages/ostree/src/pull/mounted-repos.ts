import { realpathSync } from 'node:fs';
import { isCoppiceError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import { isDirectory } from '../codec/mode-bits.ts';
import { Repo } from '../repo.ts';

/** File systems that are part of the system, not volumes that someone put in. */
const systemTypes =
  /^(auto|autofs|ceph|cgroup2?|devfs|devpts|devtmpfs|ecryptfs|fdescfs|fuse\.portal|fusectl|gpfs|hugetlbfs|kernfs|linprocfs|linsysfs|lustre|mfs|mqueue|ncpfs|nfsd|nullfs|ocfs2|overlay|proc|procfs|pstore|ptyfs|rootfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tmpfs|usbfs|zfs)$/;

/** Folders below a volume's root that may be a repository without being listed. */
const wellKnown = ['.ostree/repo', 'ostree/repo', 'var/lib/flatpak/repo'];

/**
 * Mount points of volumes that a user sees, as GIO shows them: whole file systems of devices below `/media` or the user's
 * part of `/run/media`, no hidden ones. `mountinfo` is the text of that file in `/proc/self` (proc_pid_mountinfo(5)).
 */
export function visibleVolumes(mountinfo: string, user: string | undefined): string[] {
  const out: string[] = [];
  for (const line of mountinfo.split('\n')) {
    const words = line.split(' ');
    const dash = words.indexOf('-');
    if (words.length < 7 || dash < 6) continue;
    const [root, place] = [words[3]!, plainPath(words[4]!)];
    const [type, device] = [words[dash + 1] ?? '', words[dash + 2] ?? ''];
    if (root !== '/' || systemTypes.test(type) || !device.startsWith('/dev/')) continue;
    const below = user === undefined ? ['/media/'] : ['/media/', `/run/media/${user}/`];
    if (!below.some((prefix) => place.startsWith(prefix)) || place.includes('/.')) continue;
    out.push(place);
  }
  return out;
}

/** Octal escapes of mountinfo. */
function plainPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/**
 * Repositories on a mounted volume: entries of `.ostree/repos.d` in order of their names, then the well-known places; each
 * once, and none that a link takes to another file system.
 */
export function* mountedRepos(parent: Repo, volume: string): Generator<Repo, void, undefined> {
  const { fs } = parent;
  const device = fs.stat(volume)?.dev;
  const listed = `${volume}/.ostree/repos.d`;
  let names: string[] = [];
  try {
    names = [...fs.readdir(listed)].sort();
  } catch {
    // Most volumes have none.
  }
  const seen = new Set<string>();
  const own = fs.stat(parent.path);
  if (own !== undefined) seen.add(`${own.dev} ${own.ino}`);
  for (const path of [...names.map((name) => `${listed}/${name}`), ...wellKnown.map((name) => `${volume}/${name}`)]) {
    const stat = fs.stat(path);
    if (stat === undefined || !isDirectory(stat.mode) || stat.dev !== device) continue;
    const key = `${stat.dev} ${stat.ino}`;
    if (seen.has(key)) continue;
    seen.add(key);
    try {
      yield Repo.open(realpathSync(path), { fs, env: parent.env });
    } catch (error) {
      if (!isCoppiceError(error) || error.kind === 'bug') throw error;
    }
  }
}

/** The mount table of this process; empty where there is none. */
export function readMountTable(parent: Repo): string {
  try {
    return readFile('/proc/self/mountinfo', { fs: parent.fs, limit: 16 * 1024 * 1024 }).toString('utf8');
  } catch {
    return '';
  }
}
