// Reading and hashing files on Node's own threads. Node offers hashing there for whole buffers only (WebCrypto, which copies
// them first), but exports OpenSSL's functions to add-ons, so that koffi can call them: a BIO that reads a file behind one that
// hashes what is read through it does both in one call, without a turn of the event loop in between.
import { createHash, hash } from 'node:crypto';
import { nativeCalls } from './libc.ts';

/** The digest of an open file, whose pieces are read and hashed beside the calling thread. */
export interface NativeDigest {
  /** Reads the next piece into `buffer` and hashes it; its size, 0 at the end. One call at a time. Rejects with an error of the system. */
  update(buffer: Uint8Array): Promise<number>;
  /** The same in the calling thread. */
  updateHere(buffer: Uint8Array): number;
  /** The digest in hex; the last call. */
  hex(): string;
  /** Gives back the memory; may be called more than once, but not during `update`. The file stays open. */
  free(): void;
}

type Pointer = object | bigint | null;
interface NativeCall {
  (...args: (Pointer | number | string | Uint8Array)[]): number & Pointer;
  async(...args: unknown[]): void;
}

interface OpenSsl {
  readonly fetch: NativeCall;
  readonly hashing: NativeCall;
  readonly create: NativeCall;
  readonly ofFile: NativeCall;
  readonly push: NativeCall;
  readonly control: NativeCall;
  readonly read: NativeCall;
  readonly finish: NativeCall;
  readonly free: NativeCall;
  readonly whole: NativeCall;
  readonly context: NativeCall;
  readonly start: NativeCall;
  readonly add: NativeCall;
  readonly end: NativeCall;
  readonly release: NativeCall;
}

// Keyed by our name; the C name is in the prototype.
const prototypes: Readonly<Record<keyof OpenSsl, string>> = {
  fetch: 'void *EVP_MD_fetch(void *library, const char *name, const char *properties)',
  hashing: 'void *BIO_f_md()',
  create: 'void *BIO_new(void *method)',
  ofFile: 'void *BIO_new_fd(int fd, int close)',
  push: 'void *BIO_push(void *bio, void *next)',
  control: 'long BIO_ctrl(void *bio, int command, long number, void *pointer)',
  read: 'int BIO_read(void *bio, uint8_t *bytes, int length)',
  finish: 'int BIO_gets(void *bio, _Out_ uint8_t *digest, int length)',
  free: 'void BIO_free_all(void *bio)',
  whole:
    'int EVP_Digest(const uint8_t *bytes, size_t length, _Out_ uint8_t *digest, void *size, void *kind, void *engine)',
  context: 'void *EVP_MD_CTX_new()',
  start: 'int EVP_DigestInit_ex(void *context, void *kind, void *engine)',
  add: 'int EVP_DigestUpdate(void *context, const uint8_t *bytes, size_t length)',
  end: 'int EVP_DigestFinal_ex(void *context, _Out_ uint8_t *digest, void *size)',
  release: 'void EVP_MD_CTX_free(void *context)',
};

const setDigest = 111;
const noClose = 0;

const digestLengths: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

let loaded: OpenSsl | undefined;
const kinds = new Map<string, Pointer>();

function openSsl(): OpenSsl {
  loaded ??= nativeCalls<OpenSsl>(prototypes);
  return loaded;
}

/** OpenSSL's description of an algorithm, which it keeps; nothing where it cannot be called or does not know it. */
function kindOf(algorithm: string): Pointer {
  let kind = kinds.get(algorithm);
  if (kind === undefined) {
    try {
      kind = openSsl().fetch(null, algorithm, null) as Pointer;
    } catch {
      kind = null;
    }
    kinds.set(algorithm, kind);
  }
  return kind;
}

/** Whether `nativeDigest` can be had for an algorithm. */
export function hasNativeDigest(algorithm: string): boolean {
  return Boolean(kindOf(algorithm));
}

const digest = Buffer.alloc(64);

/** The same as `hash` of node:crypto in hex, without the time that Node takes to load that, where OpenSSL can be called. */
export function hashBytes(algorithm: string, bytes: Uint8Array): string {
  const kind = kindOf(algorithm);
  const length = digestLengths[algorithm];
  if (!kind || length === undefined) return hash(algorithm, bytes);
  if (openSsl().whole(bytes, bytes.length, digest, null, kind, null) <= 0) throw new Error('hashing failed');
  return digest.toString('hex', 0, length);
}

/** Bytes that come in pieces, hashed as `hashBytes` does. */
export interface PieceDigest {
  update(bytes: Uint8Array): void;
  /** The digest in hex; the last call, which has to be made. */
  hex(): string;
}

export function pieceDigest(algorithm: string): PieceDigest {
  const kind = kindOf(algorithm);
  const length = digestLengths[algorithm];
  if (!kind || length === undefined) {
    const plain = createHash(algorithm);
    return { update: (bytes) => void plain.update(bytes), hex: () => plain.digest('hex') };
  }
  const ssl = openSsl();
  const context: Pointer = ssl.context();
  if (ssl.start(context, kind, null) <= 0) throw new Error('hashing failed');
  return {
    update(bytes) {
      if (ssl.add(context, bytes, bytes.length) <= 0) throw new Error('hashing failed');
    },
    hex() {
      const done = ssl.end(context, digest, null);
      ssl.release(context);
      if (done <= 0) throw new Error('hashing failed');
      return digest.toString('hex', 0, length);
    },
  };
}

/** The digest of an open file, from where it stands; undefined where OpenSSL cannot be called or does not know the algorithm. */
export function nativeDigest(algorithm: string, fd: number): NativeDigest | undefined {
  const kind = kindOf(algorithm);
  if (!kind) return undefined;
  const ssl = openSsl();
  const hashing: Pointer = ssl.create(ssl.hashing());
  const file: Pointer = ssl.ofFile(fd, noClose);
  if (!hashing || !file || ssl.control(hashing, setDigest, 0, kind) <= 0) return undefined;
  let chain: Pointer = ssl.push(hashing, file);
  return {
    update: (buffer) =>
      new Promise((resolve, reject) => {
        ssl.read.async(chain, buffer, buffer.length, (error: Error | null, n: number) => {
          // A function of its own, so that `buffer` lives until here.
          if (error !== null || n < 0) reject(error ?? Object.assign(new Error('EIO: read'), { code: 'EIO' }));
          else resolve(n);
        });
      }),
    updateHere(buffer) {
      const n = ssl.read(chain, buffer, buffer.length);
      if (n < 0) throw Object.assign(new Error('EIO: read'), { code: 'EIO' });
      return n;
    },
    hex() {
      const out = Buffer.alloc(64);
      const length = ssl.finish(chain, out, out.length);
      if (length <= 0) throw new Error('hashing failed');
      return out.toString('hex', 0, length);
    },
    free() {
      if (chain !== null) ssl.free(chain);
      chain = null;
    },
  };
}
