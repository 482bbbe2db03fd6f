import { CoppiceError, errnoError, prefixError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import type { CollectionRefName } from '../pull/find-remotes.ts';
import { maxMetadataSize, type Repo } from '../repo.ts';
import { decodeSummary, summaryCollections } from '../summary/summary-file.ts';
import { makeAdvert, serviceType } from './advert.ts';
import { AvahiClient, type AvahiOptions, type AvahiPublication } from './avahi.ts';

export interface AnnounceOptions extends AvahiOptions {
  /** Where the repository is served over plain HTTP, below `/INDEX`. */
  readonly port: number;
  /** Name of the service, for people. */
  readonly name: string;
  /** Which of the host's repositories this is; default 0. */
  readonly index?: number;
}

/** A repository that is made known on the local network, for `ostree find-remotes` there, until it is closed. */
export class LanAnnouncement {
  readonly #repo: Repo;
  readonly #client: AvahiClient;
  readonly #index: number;
  #publication: AvahiPublication;
  #stamp: string;

  private constructor(repo: Repo, client: AvahiClient, index: number, publication: AvahiPublication, stamp: string) {
    this.#repo = repo;
    this.#client = client;
    this.#index = index;
    this.#publication = publication;
    this.#stamp = stamp;
  }

  /**
   * Announces the refs that the repository's summary has by collection. Throws `NotFound` without a summary or without Avahi,
   * `Invalid` when the summary has no refs of collections: nobody could look for them.
   */
  static async start(repo: Repo, options: AnnounceOptions): Promise<LanAnnouncement> {
    const { port, name, index = 0 } = options;
    const stamp = summaryStamp(repo);
    const txt = advertOf(repo, index);
    const client = await AvahiClient.connect(options).catch((error: unknown) => {
      throw prefixError(error, 'Avahi');
    });
    try {
      const publication = await client.publish({ name, type: serviceType, port, txt });
      return new LanAnnouncement(repo, client, index, publication, stamp);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** The name it got. */
  get name(): string {
    return this.#publication.name;
  }

  /** Announces anew what the summary says when it has changed. True when it had. */
  async refresh(): Promise<boolean> {
    const stamp = summaryStamp(this.#repo);
    if (stamp === this.#stamp) return false;
    await this.#publication.updateTxt(advertOf(this.#repo, this.#index));
    this.#stamp = stamp;
    return true;
  }

  close(): void {
    this.#client.close();
  }
}

function summaryStamp(repo: Repo): string {
  const stat = repo.fs.stat(`${repo.path}/summary`);
  if (stat === undefined)
    throw new CoppiceError('NotFound', `${repo.path}: no summary, which peers look into (ostree summary -u makes it)`);
  return `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

function advertOf(repo: Repo, index: number): Uint8Array[] {
  const path = `${repo.path}/summary`;
  let bytes: Buffer;
  try {
    bytes = readFile(path, { fs: repo.fs, limit: maxMetadataSize });
  } catch (error) {
    throw errnoError(error, `open(${path})`);
  }
  const refs: CollectionRefName[] = [];
  for (const [collection, list] of summaryCollections(decodeSummary(Uint8Array.from(bytes))))
    if (collection !== undefined) for (const { ref } of list) refs.push({ collection, ref });
  if (refs.length === 0)
    throw new CoppiceError('Invalid', `${repo.path}: its summary has no refs of a collection (core.collection-id)`);
  return makeAdvert(refs, BigInt(Math.floor((repo.fs.stat(path)?.mtimeMs ?? 0) / 1000)), index);
}
