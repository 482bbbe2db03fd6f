/** What a helper thread is told to do; `memory` is a SharedWork's. */
export interface CheckJob {
  readonly kind: 'check';
  readonly memory: SharedArrayBuffer;
  /** Path of the repository. */
  readonly repo: string;
  /** Checksums of content objects, 32 bytes each. */
  readonly checksums: Uint8Array;
}

export type HelperJob = CheckJob;
