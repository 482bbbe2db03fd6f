import { fileURLToPath } from 'node:url';
import { CoppiceError } from '@coppice/base';
import type { Fetcher } from '@coppice/http';
import { KeyFile } from '@coppice/keyfile';
import { hostFs } from '@coppice/linux';
import type { Keyring } from '@coppice/signing';
import { findRemote, getRemote, type Remote } from '../remote/remote.ts';
import { Repo } from '../repo.ts';
import { remoteVerifiers, type Verifier } from '../sign/engine-keys.ts';
import { verificationKeyring } from '../sign/keyrings.ts';
import { checkRefName } from '../store/ref-name.ts';
import { parseMode } from '../store/settings.ts';
import type { Transaction } from '../store/transaction.ts';
import { decodeSummary, type Summary, summaryCollections, summaryKeys } from '../summary/summary-file.ts';
import { storeSummary } from '../summary/update.ts';
import { shareRemoval } from '../thread/remove-beside.ts';
import type { SignatureDemands } from './commit-checks.ts';
import { remoteFetcher } from './connect.ts';
import { DeltaPlanner } from './delta-plan.ts';
import { resolveMetalink } from './metalink.ts';
import { MirrorList, resolveMirrors } from './mirrors.ts';
import type { PullOptions, PullResult } from './options.ts';
import { newProgress, type PullProgress, pullSummaryLine, seldom } from './progress.ts';
import { type ObjectSource, PullSession, type SessionSetup } from './session.ts';
import { Subpaths } from './subpaths.ts';
import { SummaryCache } from './summary-cache.ts';
import { type FetchedSummary, fetchCheckedSummary, type SummaryDemands } from './summary-fetch.ts';
import { commitInSummary, fetchRef, localRef, readWanted, type Wanted, type WantedRef } from './wanted.ts';

/** A wanted ref with the commit the remote has for it. */
interface ResolvedRef extends WantedRef {
  readonly commit: string;
}

/**
 * Brings refs and their commits from a remote into the repository (`ostree_repo_pull_with_options`). Objects are checked
 * against their checksums, commits against the signatures the remote demands before they are stored; refs are written last,
 * in one transaction. What an interrupted pull fetched is used by the next one.
 */
export async function pull(repo: Repo, options: PullOptions): Promise<PullResult> {
  return new Pull(repo, options).run();
}

/** A remote given as a bare URL has no configuration. */
function isUrl(remote: string): boolean {
  return remote.includes('://');
}

class Pull {
  readonly #repo: Repo;
  readonly #options: PullOptions;
  readonly #remote: Remote | undefined;
  readonly #name: string | undefined;
  readonly #progress: PullProgress;
  #keyring: Keyring | undefined;
  #verifiers: readonly Verifier[] | undefined;

  constructor(repo: Repo, options: PullOptions) {
    this.#repo = repo;
    const { progress, updateFrequency } = options;
    this.#options =
      progress === undefined
        ? options
        : { ...options, progress: seldom(progress, updateFrequency ?? 1000, repo.clock) };
    this.#progress = newProgress(repo.clock.now());
    this.#remote = isUrl(options.remote)
      ? options.remoteName === undefined
        ? undefined
        : findRemote(repo, options.remoteName)
      : getRemote(repo, options.remote);
    this.#name = options.remoteName ?? (isUrl(options.remote) ? undefined : options.remote);
  }

  async run(): Promise<PullResult> {
    const { requireStaticDeltas, dryRun } = this.#options;
    if (dryRun === true && requireStaticDeltas !== true)
      throw new CoppiceError('Usage', '--dry-run requires --require-static-deltas');
    const configured = isUrl(this.#options.remote) ? undefined : this.#remote;
    const state = configured?.string('unconfigured-state');
    if (state !== undefined) throw new CoppiceError('Unsupported', `remote unconfigured-state: ${state}`);
    const backend = configured?.string('custom-backend');
    if (backend !== undefined) {
      throw new CoppiceError(
        'Unsupported',
        `Cannot fetch via libostree - remote '${configured!.name}' uses custom backend '${backend}'`,
      );
    }
    if (requireStaticDeltas === true && this.#repo.mode === 'archive')
      throw new CoppiceError('Unsupported', "Can't use static deltas in an archive repo");
    const wanted = readWanted(this.#options, configured?.list('branches'), this.#options.remote);
    const fetcher = remoteFetcher(this.#repo, this.#remote, this.#options);
    try {
      return await this.#pull(fetcher, wanted);
    } finally {
      await fetcher.close();
    }
  }

  #keyringOnce(): Keyring {
    this.#keyring ??= verificationKeyring(this.#repo, this.#name);
    return this.#keyring;
  }

  #gpgVerify(): boolean {
    const fallback = isUrl(this.#options.remote) ? false : (this.#remote?.boolean('gpg-verify', true) ?? false);
    return this.#options.gpgVerify ?? fallback;
  }

  #commitDemands(): SignatureDemands {
    const { options, remote } = { options: this.#options, remote: this.#remote };
    const off = options.disableSignVerify === true;
    this.#verifiers ??=
      off || remote === undefined || isUrl(options.remote) ? [] : (remoteVerifiers(remote, 'sign-verify') ?? []);
    return {
      keyring: this.#gpgVerify() && !off ? () => this.#keyringOnce() : undefined,
      verifiers: this.#verifiers.length === 0 ? undefined : this.#verifiers,
    };
  }

  #summaryDemands(): SummaryDemands {
    const configured = isUrl(this.#options.remote) ? undefined : this.#remote;
    const gpg = this.#options.gpgVerifySummary ?? configured?.boolean('gpg-verify-summary', false) ?? false;
    return {
      keyring: gpg ? () => this.#keyringOnce() : undefined,
      verifiers: configured === undefined ? undefined : remoteVerifiers(configured, 'sign-verify-summary'),
    };
  }

  /** The base URLs for metadata of the repository (summary, refs, detached metadata) and for objects. */
  async #mirrors(fetcher: Fetcher): Promise<{ meta: MirrorList; content: MirrorList; summary: Buffer | undefined }> {
    const { remote, overrideUrl } = this.#options;
    const { namesUrlOfStatus: namesUrl } = this.#repo.compat;
    const configured = isUrl(remote) ? undefined : this.#remote;
    const metalink = overrideUrl === undefined ? configured?.string('metalink') : undefined;
    if (metalink !== undefined) {
      const found = await resolveMetalink(fetcher, metalink);
      const meta = new MirrorList(fetcher, [found.base], namesUrl);
      return { meta, content: meta, summary: found.summary };
    }
    const meta = await resolveMirrors(
      fetcher,
      overrideUrl ?? (configured === undefined ? remote : configured.need('url')),
      namesUrl,
    );
    const contentUrl = overrideUrl === undefined ? configured?.string('contenturl') : undefined;
    const content = contentUrl === undefined ? meta : await resolveMirrors(fetcher, contentUrl, namesUrl);
    return { meta, content, summary: undefined };
  }

  async #pull(fetcher: Fetcher, wanted: Wanted): Promise<PullResult> {
    const options = this.#options;
    const { meta, content, summary: known } = await this.#mirrors(fetcher);
    const first = meta.urls[0]!;
    const local =
      first.startsWith('file://') && options.requireStaticDeltas !== true ? openLocal(first, this.#repo) : undefined;
    const demands = this.#summaryDemands();
    const fixed = !wanted.all && wanted.refs.every((ref) => ref.checksum !== undefined);
    const useDeltas =
      local === undefined &&
      options.disableStaticDeltas !== true &&
      options.commitOnly !== true &&
      this.#repo.mode !== 'archive';
    let config: RemoteConfig | undefined;
    let needSummary = !fixed || demands.keyring !== undefined || demands.verifiers !== undefined;
    if (!needSummary && useDeltas) {
      config = await fetchConfig(meta);
      needSummary = !config.indexedDeltas;
    }
    let fetched: FetchedSummary | undefined;
    if (known !== undefined) fetched = { summary: known, signature: undefined, fromCache: false };
    else if (needSummary) {
      const cache = SummaryCache.open(this.#repo, options.cacheDir, this.#name ?? '');
      fetched = await fetchCheckedSummary(this.#repo, meta, this.#name === undefined ? undefined : cache, demands);
    }
    const summary = fetched?.summary === undefined ? undefined : readSummary(fetched.summary);
    if (
      local === undefined &&
      summary?.metadata.has(summaryKeys.mode) &&
      summary.metadata.has(summaryKeys.tombstones) &&
      config === undefined
    )
      config = await fetchConfig(meta);
    if (options.requireStaticDeltas === true && summary === undefined && config?.indexedDeltas !== true) {
      throw new CoppiceError(
        'NotFound',
        'Fetch configured to require static deltas, but no summary deltas or delta index found',
      );
    }
    const indexed = summary?.metadata.lookupBoolean(summaryKeys.indexedDeltas) ?? config?.indexedDeltas ?? false;
    const resolved = await this.#resolve(wanted, summary, meta, local);
    const source: ObjectSource =
      local === undefined ? { kind: 'http', meta, content, fetcher } : { kind: 'local', repo: local };
    const deltas = new DeltaPlanner({
      repo: this.#repo,
      content,
      summary,
      indexed,
      enabled: useDeltas,
      options,
      demands: this.#commitDemands(),
      verifiers: this.#commitDemands().verifiers,
      progress: this.#progress,
    });
    return this.#fetch(source, wanted, resolved, fetched, deltas);
  }

  async #resolve(
    wanted: Wanted,
    summary: Summary | undefined,
    meta: MirrorList,
    local: Repo | undefined,
  ): Promise<ResolvedRef[]> {
    if (wanted.all) {
      if (summary === undefined) {
        if (local !== undefined) {
          return [...local.listRefs(undefined, { excludeRemotes: true })].map(([ref, commit]) => ({
            collection: undefined,
            ref,
            checksum: undefined,
            commit,
          }));
        }
        throw new CoppiceError(
          'NotFound',
          'Fetching all refs was requested in mirror mode, but remote repository does not have a summary',
        );
      }
      const out: ResolvedRef[] = [];
      for (const [collection, refs] of summaryCollections(summary))
        for (const { ref, checksum } of refs)
          out.push({ collection, ref: checkRefName(ref), checksum: undefined, commit: checksum });
      return out;
    }
    const out: ResolvedRef[] = [];
    for (const ref of wanted.refs) {
      const commit =
        ref.checksum ??
        (summary !== undefined
          ? commitInSummary(summary, ref)
          : local !== undefined
            ? localRef(local, ref)
            : await fetchRef(meta, ref));
      out.push({ ...ref, commit });
    }
    return out;
  }

  /** The ref as it is named here, for looking up the commit it has now. */
  #localRefspec(ref: string): string {
    const name = this.#options.remoteName ?? this.#remote?.keyringRemote;
    return name === undefined || this.#options.mirror === true ? ref : `${name}:${ref}`;
  }

  #bindingDemands(resolved: readonly ResolvedRef[], source: ObjectSource): SessionSetup['wantedBy'] {
    const own = source.kind === 'local' ? source.repo.settings.collectionId : this.#remote?.string('collection-id');
    const out = new Map<string, { collection: string | undefined; ref: string }[]>();
    for (const { collection, ref, commit } of resolved) {
      const list = out.get(commit) ?? [];
      list.push({ collection: collection ?? own, ref });
      out.set(commit, list);
    }
    return out;
  }

  #ageDemands(resolved: readonly ResolvedRef[]): Map<string, string> {
    const out = new Map<string, string>();
    const { timestampCheck, timestampCheckFromRev } = this.#options;
    for (const { ref, commit } of resolved) {
      const current =
        timestampCheckFromRev !== undefined
          ? this.#repo.resolveRev(timestampCheckFromRev)
          : timestampCheck === true
            ? this.#repo.tryResolveRev(this.#localRefspec(ref))
            : undefined;
      if (current !== undefined) out.set(commit, current);
    }
    return out;
  }

  async #fetch(
    source: ObjectSource,
    wanted: Wanted,
    resolved: readonly ResolvedRef[],
    fetched: FetchedSummary | undefined,
    deltas: DeltaPlanner,
  ): Promise<PullResult> {
    const options = this.#options;
    const repo = this.#repo;
    const caches = (options.localCaches ?? []).map((path) => Repo.open(path, { fs: repo.fs, env: repo.env }));
    const commits = [...new Set([...wanted.commits, ...resolved.map((r) => r.commit)])];
    const depth = options.depth ?? 0;
    const { helper } = options;
    const transaction = repo.beginTransaction({
      fsync: options.disableFsync !== true,
      perObjectFsync: options.perObjectFsync === true,
      resumable: true,
      ...(options.compressPool === undefined ? {} : { compressPool: options.compressPool }),
      removeBeside: (paths) =>
        helper?.started === true && repo.fs === hostFs ? shareRemoval(helper, paths) : undefined,
    });
    let session: PullSession | undefined;
    try {
      session = new PullSession({
        repo,
        transaction,
        source,
        caches,
        options,
        subpaths: new Subpaths(options.subpaths ?? []),
        demands: this.#commitDemands(),
        progress: this.#progress,
        wantedBy: this.#bindingDemands(resolved, source),
        notOlderThan: this.#ageDemands(resolved),
      });
      const planned = new Map<string, string | undefined>();
      for (const commit of wanted.commits) planned.set(commit, undefined);
      for (const { ref, commit } of resolved) planned.set(commit, this.#repo.tryResolveRev(this.#localRefspec(ref)));
      for (const [commit, current] of planned) {
        await deltas.plan(commit, current, session, transaction);
        // After a delta the commit's tree is walked all the same: what is still missing is fetched.
        if (options.dryRun !== true) session.requestCommit(commit, depth);
      }
      if (options.dryRun === true) {
        await session.finish();
        transaction.abort();
        return { status: deltas.dryRunText(), commits, refs: new Map() };
      }
      await session.finish();
      const refs = this.#setRefs(transaction, resolved);
      this.#progress.contentBytesWritten = transaction.stats.contentBytesWritten - this.#progress.deltaBytesWritten;
      transaction.commit();
      for (const commit of session.complete) repo.unmarkPartial(commit);
      if (wanted.all && fetched?.summary !== undefined && options.mirror === true)
        storeSummary(repo, fetched.summary, fetched.signature);
      this.#progress.fromServer = source.kind === 'http';
      this.#progress.now = repo.clock.now();
      return { status: pullSummaryLine(this.#progress), commits, refs };
    } catch (error) {
      // What still runs must not write into a transaction that is over.
      if (source.kind === 'http') source.fetcher.abort();
      await session?.finish().catch(() => {});
      transaction.abort();
      throw error;
    }
  }

  #setRefs(transaction: Transaction, resolved: readonly ResolvedRef[]): Map<string, string> {
    const out = new Map<string, string>();
    const { mirror } = this.#options;
    const own = isUrl(this.#options.remote) ? undefined : this.#remote?.string('collection-id');
    for (const { collection: given, ref, commit } of resolved) {
      const collection = given ?? own;
      if (mirror === true && collection !== undefined && collection !== this.#repo.settings.collectionId) {
        transaction.setCollectionRef(collection, ref, commit);
        out.set(`(${collection}, ${ref})`, commit);
        continue;
      }
      const refspec = this.#localRefspec(ref);
      out.set(refspec, commit);
      if (this.#repo.tryResolveRev(refspec) !== commit) transaction.setRef(refspec, commit);
    }
    return out;
  }
}

interface RemoteConfig {
  readonly indexedDeltas: boolean;
}

async function fetchConfig(meta: MirrorList): Promise<RemoteConfig> {
  const { bytes } = await meta.bytes('config', { maxSize: 16 * 1024 * 1024 });
  const config = KeyFile.parse(bytes);
  const mode = parseMode(config.string('core', 'mode', 'bare'));
  if (mode !== 'archive' && !meta.urls[0]!.startsWith('file://'))
    throw new CoppiceError(
      'Unsupported',
      `Can't pull from archives with mode "${config.string('core', 'mode', 'bare')}"`,
    );
  return { indexedDeltas: config.boolean('core', 'indexed-deltas', false) };
}

function readSummary(bytes: Buffer): Summary {
  return decodeSummary(bytes);
}

function openLocal(url: string, like: Repo): Repo {
  return Repo.open(fileURLToPath(url), { fs: like.fs, env: like.env });
}
