import type { MessagePort } from 'node:worker_threads';
import type { CheckoutOptions } from '../checkout.ts';
import type { StoreForm } from '../store/archived-order.ts';

/** Share of fsck: content objects to check; `memory` is a SharedWork's. */
export interface CheckJob {
  readonly kind: 'check';
  readonly memory: SharedArrayBuffer;
  /** Path of the repository. */
  readonly repo: string;
  /** 32 bytes each. */
  readonly checksums: Uint8Array;
}

/** Share of a checkout: files to write into directories that are there. */
export interface WriteJob {
  readonly kind: 'write';
  readonly memory: SharedArrayBuffer;
  /** The jobs of one checkout have the same number, repository and options. */
  readonly checkout: number;
  readonly repo: string;
  readonly checksums: Uint8Array;
  readonly names: readonly string[];
  /** Per file, its place in `directories`. */
  readonly directoryOf: Uint32Array;
  readonly directories: readonly string[];
  readonly options: Pick<
    CheckoutOptions,
    'mode' | 'forceCopy' | 'copyEmptyFiles' | 'uncompressedCache' | 'fsync' | 'passthroughWhiteouts'
  >;
}

/** Trees to remove. */
export interface RemoveJob {
  readonly kind: 'remove';
  readonly memory: SharedArrayBuffer;
  readonly paths: readonly string[];
}

/** Share of a delta's part: contents to be made of its payload. */
export interface ApplyJob {
  readonly kind: 'apply';
  readonly memory: SharedArrayBuffer;
  readonly repo: string;
  readonly form: StoreForm;
  /** Objects get their names below this, in directories that are there. */
  readonly folder: string;
  readonly checksums: Uint8Array;
  /** Per object, where its operations begin, and the offset of what they read, or -1. */
  readonly places: Float64Array;
  /** In shared memory. */
  readonly payload: Uint8Array;
  readonly uncompressedSize: number;
}

export type HelperJob = CheckJob | WriteJob | RemoveJob | ApplyJob;

/** What the thread starts with: it sleeps on the number of jobs given and finds them in the port. */
export interface HelperData {
  readonly given: ArrayBufferLike;
  readonly port: MessagePort;
}
