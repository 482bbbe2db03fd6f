// The newest commit of an origin, in a scratch repository whose parent is the system's: nothing of the system is written.
import { join } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { findRemote, pull, Repo, useRemotesDir } from '@coppice/ostree';
import type { Client } from '../client/client.ts';
import { checkImagePolicy, imageAccess } from '../client/image-policy.ts';
import { importImage } from '../container/import-image.ts';
import { openImage } from '../container/open-image.ts';
import type { Origin } from '../origin.ts';
import { type ContainerReference, formatContainerReference } from '../refspec.ts';

/** Where a plan looks. */
export interface Surroundings {
  readonly scratch: Repo;
  readonly dir: string;
  /** Base commits now and next. */
  readonly from: string;
  readonly to: string;
}

/** A scratch repository that sees everything of the system's. */
export function scratchRepo(client: Client, dir: string): Repo {
  const repo = Repo.create(join(dir, 'repo'), { mode: 'archive' });
  repo.config.setString('core', 'parent', client.repo.path);
  repo.writeConfig();
  const opened = Repo.open(join(dir, 'repo'), { env: client.env });
  useRemotesDir(opened, `${client.sysroot.path}/etc/ostree/remotes.d`);
  return opened;
}

/** The image's commit, in the scratch repository; only layers that the system lacks are fetched. */
async function newestImage(client: Client, scratch: Repo, image: ContainerReference, dir: string): Promise<string> {
  const { store, reference } = openImage(image, join(dir, 'image'), imageAccess(client));
  const digest = await checkImagePolicy(client, image, store, reference);
  const { commit } = await importImage({
    repo: scratch,
    parent: client.repo,
    source: store,
    reference: digest,
    imageReference: formatContainerReference(image),
    acceptDerived: image.signature.kind !== 'remote',
    scratch: join(dir, 'layers'),
  });
  return commit;
}

export async function newestBase(client: Client, scratch: Repo, origin: Origin, dir: string): Promise<string> {
  const { refspec } = origin;
  if (refspec === undefined) throw new CoppiceError('Invalid', 'the deployment has no origin to follow');
  if (refspec.kind !== 'ostree') {
    if (refspec.kind === 'checksum') return refspec.checksum;
    return await newestImage(client, scratch, refspec.image, dir);
  }
  if (refspec.remote === undefined) return scratch.resolveRev(refspec.ref);
  if (findRemote(scratch, refspec.remote) === undefined)
    throw new CoppiceError('NotFound', `Remote "${refspec.remote}" not found`);
  const result = await pull(scratch, { remote: refspec.remote, refs: [refspec.ref] });
  return result.commits[0]!;
}
