import type { Clock } from '@coppice/base';
import { formatSize } from '../codec/format-size.ts';

/** The counters behind the progress line, as `ostree_repo_pull` keeps them. */
export interface PullProgress {
  outstandingFetches: number;
  outstandingMetadata: number;
  outstandingWrites: number;
  scannedMetadata: number;
  fetchedMetadata: number;
  requestedMetadata: number;
  fetchedContent: number;
  requestedContent: number;
  importedMetadata: number;
  importedContent: number;
  fetchedDeltaParts: number;
  totalDeltaParts: number;
  fetchedDeltaFallbacks: number;
  totalDeltaFallbacks: number;
  fetchedDeltaPartSize: number;
  totalDeltaPartSize: number;
  totalDeltaPartUncompressed: number;
  /** Bytes of objects and delta parts; refs, summaries and superblocks are not counted. */
  bytesTransferred: number;
  /** Objects come from a server, not from a repository on this machine. */
  fromServer: boolean;
  contentBytesWritten: number;
  /** Of content that deltas brought; not part of `contentBytesWritten`. */
  deltaBytesWritten: number;
  /** Milliseconds; both on one clock. */
  started: number;
  now: number;
  /** Set when there is a line of its own to show. */
  status: string | undefined;
}

export function newProgress(started: number): PullProgress {
  return {
    outstandingFetches: 0,
    outstandingMetadata: 0,
    outstandingWrites: 0,
    scannedMetadata: 0,
    fetchedMetadata: 0,
    requestedMetadata: 0,
    fetchedContent: 0,
    requestedContent: 0,
    importedMetadata: 0,
    importedContent: 0,
    fetchedDeltaParts: 0,
    totalDeltaParts: 0,
    fetchedDeltaFallbacks: 0,
    totalDeltaFallbacks: 0,
    fetchedDeltaPartSize: 0,
    totalDeltaPartSize: 0,
    totalDeltaPartUncompressed: 0,
    bytesTransferred: 0,
    fromServer: false,
    contentBytesWritten: 0,
    deltaBytesWritten: 0,
    started,
    now: started,
    status: undefined,
  };
}

export type ProgressCall = (progress: PullProgress, isLast: boolean) => void;

/** Passes on one call in so many milliseconds, and the last one. */
export function seldom(call: ProgressCall, milliseconds: number, clock: Clock): ProgressCall {
  let last = clock.now();
  return (progress, isLast) => {
    const now = clock.now();
    if (!isLast && now - last < milliseconds) return;
    last = now;
    progress.now = now;
    call(progress, isLast);
  };
}

/** The final line: what was fetched or imported, how much, how long. */
export function pullSummaryLine(p: PullProgress): string {
  const written = `${formatSize(p.contentBytesWritten)} content written`;
  if (p.fromServer) {
    const what =
      p.fetchedDeltaParts > 0
        ? `${p.fetchedDeltaParts} delta parts, ${p.fetchedMetadata + p.fetchedContent} loose fetched`
        : `${p.fetchedMetadata} metadata, ${p.fetchedContent} content objects fetched`;
    const local =
      p.importedMetadata > 0 || p.importedContent > 0
        ? ` (${p.importedMetadata} meta, ${p.importedContent} content local)`
        : '';
    const large = p.bytesTransferred >= 1024;
    const amount = `${Math.floor(p.bytesTransferred / (large ? 1024 : 1))} ${large ? 'KiB' : 'B'}`;
    const seconds = Math.floor((p.now - p.started) / 1000);
    const moved = p.bytesTransferred > 0 ? `; ${amount} transferred in ${seconds} seconds` : '';
    return `${what}${local}${moved}; ${written}`;
  }
  return `${p.importedMetadata} metadata, ${p.importedContent} content objects imported; ${written}`;
}

function remaining(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), 'days'],
    [Math.floor(seconds / 3600) % 24, 'hours'],
    [Math.floor(seconds / 60) % 60, 'minutes'],
    [Math.floor(seconds) % 60, 'seconds'],
  ];
  return parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit} `)
    .join('');
}

/** The line shown on a terminal while a pull runs (ostree_repo_pull_default_console_progress_changed). */
export function pullProgressLine(p: PullProgress): string {
  if (p.status !== undefined && p.status !== '') return p.status;
  if (p.outstandingFetches > 0) {
    const elapsed = (p.now - p.started) / 1000;
    const speed = elapsed < 1 ? 0 : p.bytesTransferred / elapsed;
    const rate = elapsed < 1 ? '-' : formatSize(Math.floor(speed));
    const transferred = formatSize(p.bytesTransferred);
    if (p.totalDeltaParts > 0) {
      const total = p.totalDeltaPartSize;
      const left = speed > 0 ? (total - p.fetchedDeltaPartSize) / speed : 0;
      const eta = left > 0 ? ` ${remaining(left)}remaining` : '';
      const parts = `${p.fetchedDeltaParts}/${p.totalDeltaParts}`;
      return `Receiving delta parts: ${parts} ${formatSize(p.fetchedDeltaPartSize)}/${formatSize(total)} ${rate}/s${eta}`;
    }
    if (p.outstandingMetadata > 0)
      return `Receiving metadata objects: ${p.fetchedMetadata}/(estimating) ${rate}/s ${transferred}`;
    const fetched = p.fetchedMetadata + p.fetchedContent;
    const requested = Math.max(1, p.requestedMetadata + p.requestedContent);
    const percent = Math.floor((fetched / requested) * 100);
    return `Receiving objects: ${percent}% (${fetched}/${requested}) ${rate}/s ${transferred}`;
  }
  if (p.outstandingWrites > 0) return `Writing objects: ${p.outstandingWrites}`;
  return `Scanning metadata: ${p.scannedMetadata}`;
}
