/** Pieces that come to so many bytes. */
export interface SizedPieces {
  readonly size: number;
  readonly pieces: Iterable<Uint8Array>;
}

export type ContentSource =
  | Uint8Array
  | Iterable<Uint8Array>
  | SizedPieces
  | { readonly path: string; readonly size?: number };
