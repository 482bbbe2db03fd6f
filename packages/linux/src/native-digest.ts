// Hashing on Node's own threads. Node offers it for whole buffers only (WebCrypto, which copies them first), but exports
// OpenSSL's functions to add-ons, so that koffi can call them.
import { loadKoffi } from './libc.ts';

/** A digest whose pieces are hashed beside the calling thread. */
export interface NativeDigest {
  /** One call at a time; `bytes` must stay as they are until it resolves. */
  update(bytes: Uint8Array): Promise<void>;
  /** The digest in hex; the last call. */
  hex(): string;
  /** Gives back the memory; may be called more than once, but not during `update`. */
  free(): void;
}

type Pointer = object | bigint | null;
interface NativeCall {
  (...args: (Pointer | number | string | Uint8Array)[]): number & Pointer;
  async(...args: unknown[]): void;
}

interface OpenSsl {
  readonly byName: NativeCall;
  readonly create: NativeCall;
  readonly start: NativeCall;
  readonly update: NativeCall;
  readonly finish: NativeCall;
  readonly free: NativeCall;
}

let loaded: OpenSsl | null | undefined;

function openSsl(): OpenSsl | undefined {
  if (loaded === undefined) {
    try {
      const library = loadKoffi().load(null);
      const call = (prototype: string): NativeCall => library.func(prototype) as unknown as NativeCall;
      loaded = {
        byName: call('void *EVP_get_digestbyname(const char *name)'),
        create: call('void *EVP_MD_CTX_new()'),
        start: call('int EVP_DigestInit_ex(void *context, void *digest, void *engine)'),
        update: call('int EVP_DigestUpdate(void *context, const uint8_t *bytes, size_t length)'),
        finish: call('int EVP_DigestFinal_ex(void *context, _Out_ uint8_t *digest, _Out_ uint32_t *length)'),
        free: call('void EVP_MD_CTX_free(void *context)'),
      };
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

/** A digest of OpenSSL's, or undefined where its functions cannot be called or it does not know the algorithm. */
export function nativeDigest(algorithm: string): NativeDigest | undefined {
  const ssl = openSsl();
  const kind = ssl?.byName(algorithm);
  if (ssl === undefined || !kind) return undefined;
  let context: Pointer = ssl.create();
  if (!context || ssl.start(context, kind, null) !== 1) return undefined;
  return {
    update: (bytes) =>
      new Promise((resolve, reject) => {
        ssl.update.async(context, bytes, bytes.length, (error: Error | null, status: number) => {
          // A function of its own, so that `bytes` live until here.
          if (error !== null || status !== 1) reject(error ?? new Error(`hashing ${bytes.length} bytes failed`));
          else resolve();
        });
      }),
    hex() {
      const out = Buffer.alloc(64);
      const length = new Uint32Array(1);
      if (ssl.finish(context, out, length as unknown as Uint8Array) !== 1) throw new Error('hashing failed');
      return out.toString('hex', 0, length[0]);
    },
    free() {
      if (context !== null) ssl.free(context);
      context = null;
    },
  };
}
