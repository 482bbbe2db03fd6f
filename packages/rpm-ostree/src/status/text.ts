// `rpm-ostree status` as text, at both levels.
import type { RpmOstreeCompat } from '../compat.ts';
import { formatEvr, type Nevra } from '../nevra.ts';
import { type PackageDiff, summarizePackageDiff } from '../pkgdiff.ts';
import { shellQuote } from '../shell-quote.ts';
import { advisoryLines, securityAdvisories, summarizeAdvisories } from './advisory-text.ts';
import { KeyValueText } from './key-value.ts';
import type { CachedUpdate, DeploymentStatus, Replacement, RepoStamp, SignatureStatus, SystemStatus } from './model.ts';
import { deploymentId } from './model.ts';
import { formatTimestamp } from './timestamp.ts';

export interface StatusTextOptions {
  readonly compat: RpmOstreeCompat;
  readonly verbose?: boolean;
  readonly advisories?: boolean;
  readonly bootedOnly?: boolean;
  /** Terminal width; values of lists wrap at max(64, columns - 27). */
  readonly columns?: number;
  readonly color?: boolean;
  readonly utf8?: boolean;
}

const foldCase = (a: string, b: string): number => {
  const x = a.toLowerCase();
  const y = b.toLowerCase();
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0;
};

const evrArch = (p: Nevra): string => formatEvr(p);

/** `names.. OLD -> NEW` grouped by the pair of versions, joined by `, `. */
function groupReplacements(list: readonly Replacement[]): string {
  const groups = new Map<string, string[]>();
  for (const { from, to } of list) {
    const key = `${evrArch(from)} -> ${evrArch(to)}`;
    groups.set(key, [...(groups.get(key) ?? []), to.name]);
  }
  return [...groups].map(([versions, names]) => `${names.join(' ')} ${versions}`).join(', ');
}

function groupRemovals(list: readonly Nevra[]): string {
  const groups = new Map<string, string[]>();
  for (const p of list) groups.set(evrArch(p), [...(groups.get(evrArch(p)) ?? []), p.name]);
  return [...groups].map(([evr, names]) => `${names.join(' ')} ${evr}`).join(', ');
}

/** Rows of the aligned difference that --verbose prints: `Upgraded: name old -> new`. */
function alignedDiff(out: KeyValueText, diff: PackageDiff, prefix: string): void {
  const rows: [string, string[]][] = [
    ['Upgraded', diff.upgraded.map((c) => `${c.from.name} ${formatEvr(c.from)} -> ${formatEvr(c.to)}`)],
    ['Downgraded', diff.downgraded.map((c) => `${c.from.name} ${formatEvr(c.from)} -> ${formatEvr(c.to)}`)],
    ['Removed', diff.removed.map((p) => `${p.name}-${formatEvr(p)}.${p.arch}`)],
    ['Added', diff.added.map((p) => `${p.name}-${formatEvr(p)}.${p.arch}`)],
  ];
  for (const [title, lines] of rows) out.lines(`${prefix}${title}`, lines);
}

function signatureSummary(signatures: readonly SignatureStatus[]): string[] {
  if (signatures.length === 0) return ['(unsigned)'];
  return signatures.map((s) =>
    s.valid
      ? `Valid signature by ${s.fingerprint}`
      : s.keyMissing
        ? `Can't check signature: public key ${s.fingerprint} not found`
        : `Invalid signature by ${s.fingerprint}`,
  );
}

function signatureDetail(s: SignatureStatus): string[] {
  const when = new Date(s.timestamp * 1000).toUTCString();
  const lines = [`Signature made ${when} using ${s.pubkeyAlgorithm} key ID ${s.fingerprint.slice(-16)}`];
  if (s.keyMissing) lines.push("Can't check signature: public key not found");
  else lines.push(`${s.valid ? 'Good' : 'BAD'} signature from "${s.userName} <${s.userEmail}>"`);
  return lines;
}

class StatusText {
  readonly #options: StatusTextOptions;
  readonly #out: KeyValueText;
  readonly #verbose: boolean;

  constructor(options: StatusTextOptions) {
    this.#options = options;
    this.#verbose = options.verbose === true;
    this.#out = new KeyValueText(options.compat.statusKeyWidth, options.columns ?? 80, {
      color: options.color === true,
      utf8: options.utf8 !== false,
    });
  }

  get text(): string {
    return this.#out.text;
  }

  header(status: SystemStatus): void {
    const out = this.#out;
    out.raw(`State: ${status.transaction === undefined ? 'idle' : 'busy'}\n`);
    if (status.failedFinalization !== undefined) {
      out.raw('Warning: failed to finalize previous deployment\n');
      for (const line of status.failedFinalization.split('\n')) out.raw(`         ${line}\n`);
    }
    if (status.driver !== undefined) {
      const unit = this.#verbose ? ` (${status.driver.unit})` : '';
      out.raw(`AutomaticUpdatesDriver: ${status.driver.name}${unit}\n`);
      out.raw(`  DriverState: ${status.driver.state ?? 'inactive'}\n`);
    } else if (status.automaticUpdates === 'none') {
      if (this.#verbose || this.#options.compat.alwaysShowAutomaticUpdates) out.raw('AutomaticUpdates: disabled\n');
    } else {
      out.raw(`AutomaticUpdates: ${status.automaticUpdates}; rpm-ostreed-automatic.timer: inactive\n`);
    }
    if (status.transaction !== undefined) {
      out.raw(`Transaction: ${status.transaction.title}\n`);
      if (status.transaction.initiator) out.raw(`  Initiator: ${status.transaction.initiator}\n`);
    }
  }

  #repos(repos: readonly RepoStamp[]): void {
    repos.forEach((repo, i) => {
      this.#out.branch(i === repos.length - 1, `${repo.id} (${formatTimestamp(repo.timestamp)})`);
    });
  }

  #commits(d: DeploymentStatus, anyLive: boolean): void {
    const out = this.#out;
    const verbose = this.#verbose;
    const live = d.live?.inProgress !== undefined || d.live?.replaced !== undefined;
    const shown = verbose || d.originKind !== 'container';
    if (!shown) return;
    if (d.base !== undefined) {
      out.kv(live ? 'BootedBaseCommit' : 'BaseCommit', d.base.checksum);
      if (verbose) this.#repos(d.baseRepos);
      if (verbose || anyLive) out.kv('Commit', d.checksum);
      if (verbose) this.#repos(d.base.layeredRepos);
      return;
    }
    if (live) out.kv('BootedCommit', d.checksum);
    if (!live || verbose) out.kv('Commit', d.checksum);
    if (verbose) this.#repos(d.baseRepos);
  }

  #diff(diff: PackageDiff, prefix: string): void {
    if (this.#verbose) alignedDiff(this.#out, diff, prefix);
    else {
      const summary = summarizePackageDiff(diff);
      if (summary !== '') this.#out.kv(`${prefix}Diff`, summary);
    }
  }

  #signatures(d: Pick<DeploymentStatus, 'gpgEnabled' | 'signatures'>): void {
    if (!d.gpgEnabled) return;
    if (!this.#verbose || d.signatures.length === 0) {
      this.#out.lines('GPGSignature', signatureSummary(d.signatures));
      return;
    }
    const count = d.signatures.length;
    this.#out.kv('GPGSignature', `${count} signature${count === 1 ? '' : 's'}`);
    for (const s of d.signatures) this.#out.lines('', signatureDetail(s));
  }

  heading(text: string): void {
    this.#out.raw(`${text}\n`);
  }

  deployment(d: DeploymentStatus, first: boolean, anyLive: boolean, manyRoots: boolean, index: number): void {
    const out = this.#out;
    const { compat } = this.#options;
    const verbose = this.#verbose;
    if (!first && this.#options.bootedOnly !== true) out.raw('\n');
    const name =
      d.customOrigin?.url ??
      (d.origin === undefined ? d.checksum : `${d.originKind === 'ostree' ? compat.refspecPrefix : ''}${d.origin}`);
    const position = verbose && compat.modern ? ` (index: ${index})` : '';
    out.raw(`${d.booted ? out.glyphs.circle : ' '} ${name}${position}\n`);
    if (d.imageDigest !== undefined) out.kv('Digest', d.imageDigest);
    if (d.customOrigin !== undefined) out.kv('CustomOrigin', d.customOrigin.description);
    if (d.remoteError !== undefined) out.alarm('OstreeRemoteStatus', d.remoteError);
    if (d.sourceTitle !== undefined) out.raw(`  ${out.glyphs.last} ${d.sourceTitle}\n`);
    const version = d.base === undefined ? d.version : (d.base.version ?? d.version);
    const stamp = formatTimestamp(d.base?.timestamp ?? d.timestamp);
    if (version === undefined) out.kv('Timestamp', stamp);
    else out.kv('Version', `${out.bold(version)} (${stamp})`);
    this.#commits(d, anyLive);
    if (d.live?.inProgress !== undefined) out.alarm('InterruptedLiveCommit', d.live.inProgress);
    if (d.live?.replaced !== undefined) {
      out.alarm('LiveCommit', d.live.replaced);
      if (d.live.diff !== undefined) this.#diff(d.live.diff, 'Live');
    }
    if (verbose && (d.staged || first)) out.kv('Staged', d.staged ? 'yes' : 'no');
    if (verbose || manyRoots) out.kv('StateRoot', d.osname);
    this.#signatures(d);
    if (d.pendingDiff !== undefined) this.#diff(d.pendingDiff, '');
    this.#layering(d);
    if (d.regenerateInitramfs)
      out.kv('Initramfs', d.initramfsArgs.length > 0 ? d.initramfsArgs.join(' ') : 'regenerate');
    if (d.cliwrap) out.kv('Cliwrap', 'enabled');
    if (d.initramfsEtc.length > 0) out.list('InitramfsEtc', [...d.initramfsEtc].sort(foldCase).map(shellQuote));
    if (d.pinned) out.kv('Pinned', 'yes');
    if (d.unlocked !== 'none') out.alarm('Unlocked', d.unlocked);
    if (d.endOfLife !== undefined) out.alarm('EndOfLife', d.endOfLife);
  }

  #layering(d: DeploymentStatus): void {
    const out = this.#out;
    const { compat } = this.#options;
    const list = (key: string, items: readonly string[]): void => {
      if (items.length > 0) out.list(key, [...items].sort(foldCase).map(shellQuote));
    };
    if (d.baseRemovals.length > 0) out.kv('RemovedBasePackages', groupRemovals(d.baseRemovals));
    const active = new Set(d.baseRemovals.map((p) => p.name));
    if (this.#verbose)
      list(
        'InactiveBaseRemovals',
        d.requestedBaseRemovals.filter((n) => !active.has(n)),
      );
    if (d.localReplacements.length > 0) out.kv(compat.localOverridesKey, groupReplacements(d.localReplacements));
    const replaced = new Set(d.localReplacements.map((r) => `${r.to.name}-${formatEvr(r.to)}.${r.to.arch}`));
    if (this.#verbose)
      list(
        compat.inactiveLocalOverridesKey,
        d.requestedLocalReplacements.filter((n) => !replaced.has(n)),
      );
    for (const group of d.remoteReplacements) {
      out.kv('RemoteOverrides', group.source);
      const rows = groupReplacements(group.packages).split(', ');
      for (const [i, row] of rows.entries()) out.branch(i === rows.length - 1, row);
    }
    const remote = new Set(d.remoteReplacements.flatMap((g) => g.packages.map((r) => r.to.name)));
    if (this.#verbose)
      list(
        'InactiveRemoteOverrides',
        d.requestedRemoteReplacements.flatMap((g) => g.names.filter((n) => !remote.has(n))),
      );
    const wanted = new Set(d.packages);
    if (this.#verbose)
      list(
        'InactiveRequests',
        d.requestedPackages.filter((p) => !wanted.has(p)),
      );
    list('LayeredPackages', d.packages);
    list('LocalPackages', d.requestedLocalPackages);
    list('LocalForcedPackages', d.requestedLocalFileOverrides);
  }

  cachedUpdate(update: CachedUpdate): void {
    const out = new KeyValueText('SecAdvisories'.length, this.#options.columns ?? 80, {
      color: this.#options.color === true,
      utf8: this.#options.utf8 !== false,
    });
    out.raw('AvailableUpdate:\n');
    const stamp = formatTimestamp(update.timestamp);
    if (update.version === undefined) out.kv('Timestamp', stamp);
    else out.kv('Version', `${out.bold(update.version)} (${stamp})`);
    out.kv('Commit', update.checksum);
    if (update.gpgEnabled) out.lines('GPGSignature', signatureSummary(update.signatures));
    printAdvisories(out, update, this.#verbose || this.#options.advisories === true);
    if (update.diff !== undefined) {
      if (this.#verbose) alignedDiff(out, update.diff, '');
      else if (summarizePackageDiff(update.diff) !== '') out.kv('Diff', summarizePackageDiff(update.diff));
    }
    this.#out.raw(out.text);
  }
}

function printAdvisories(out: KeyValueText, update: CachedUpdate, verbose: boolean): void {
  const security = securityAdvisories(update.advisories);
  if (security.length === 0) return;
  if (verbose) out.lines('SecAdvisories', advisoryLines(security));
  else out.kv('SecAdvisories', summarizeAdvisories(security));
}

/** The whole text of `status`. */
export function formatStatus(status: SystemStatus, options: StatusTextOptions): string {
  const view = new StatusText(options);
  view.header(status);
  const booted = status.deployments.find((d) => d.booted);
  const shown = options.bootedOnly === true ? status.deployments.filter((d) => d.booted) : status.deployments;
  const anyLive = status.deployments.some((d) => d.live?.inProgress !== undefined || d.live?.replaced !== undefined);
  const manyRoots = new Set(status.deployments.map((d) => d.osname)).size > 1;
  view.heading(options.bootedOnly === true ? 'BootedDeployment:' : 'Deployments:');
  for (const [i, d] of shown.entries()) view.deployment(d, i === 0, anyLive, manyRoots, status.deployments.indexOf(d));
  const text = view.text;
  const update = status.cachedUpdate;
  if (update === undefined || status.automaticUpdates === 'none' || options.bootedOnly === true) return text;
  const pending = status.deployments[0];
  if (pending !== undefined && !pending.booted && booted !== undefined && deploymentId(pending) === update.deploymentId)
    return text;
  const tail = new StatusText(options);
  tail.cachedUpdate(update);
  return `${text}\n${tail.text}`;
}

/** The block that `upgrade --check` and `--preview` print. */
export function formatCachedUpdate(update: CachedUpdate, options: StatusTextOptions): string {
  const view = new StatusText(options);
  view.cachedUpdate(update);
  return view.text;
}
