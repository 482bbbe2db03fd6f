// Reading and hashing files on Node's own threads. Node offers hashing there for whole buffers only (WebCrypto, which copies
// them first), but exports OpenSSL's functions to add-ons, so that koffi can call them: a BIO that reads a file behind one that
// hashes what is read through it does both in one call, without a turn of the event loop in between.
import { hash } from 'node:crypto';
import { loadKoffi } from './libc.ts';

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
  readonly byName: NativeCall;
  readonly hashing: NativeCall;
  readonly create: NativeCall;
  readonly ofFile: NativeCall;
  readonly push: NativeCall;
  readonly control: NativeCall;
  readonly read: NativeCall;
  readonly finish: NativeCall;
  readonly free: NativeCall;
  readonly whole: NativeCall;
}

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

let loaded: OpenSsl | null | undefined;

function openSsl(): OpenSsl | undefined {
  if (loaded === undefined) {
    try {
      const library = loadKoffi().load(null);
      const call = (prototype: string): NativeCall => library.func(prototype) as unknown as NativeCall;
      loaded = {
        byName: call('void *EVP_get_digestbyname(const char *name)'),
        hashing: call('void *BIO_f_md()'),
        create: call('void *BIO_new(void *method)'),
        ofFile: call('void *BIO_new_fd(int fd, int close)'),
        push: call('void *BIO_push(void *bio, void *next)'),
        control: call('long BIO_ctrl(void *bio, int command, long number, void *pointer)'),
        read: call('int BIO_read(void *bio, uint8_t *bytes, int length)'),
        finish: call('int BIO_gets(void *bio, _Out_ uint8_t *digest, int length)'),
        free: call('void BIO_free_all(void *bio)'),
        whole: call(
          'int EVP_Digest(const uint8_t *bytes, size_t length, _Out_ uint8_t *digest, void *size, void *kind, void *engine)',
        ),
      };
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

const kinds = new Map<string, Pointer>();

/** OpenSSL's description of an algorithm, which it keeps; nothing where it cannot be called or does not know it. */
function kindOf(algorithm: string): Pointer {
  let kind = kinds.get(algorithm);
  if (kind === undefined) {
    kind = openSsl()?.byName(algorithm) ?? null;
    kinds.set(algorithm, kind);
  }
  return kind;
}

/** Whether `nativeDigest` can be had for an algorithm. */
export function hasNativeDigest(algorithm: string): boolean {
  return Boolean(kindOf(algorithm));
}

/** The same as `hash` of node:crypto in hex, without the time that Node takes to load that, where OpenSSL can be called. */
export function hashBytes(algorithm: string, bytes: Uint8Array): string {
  const ssl = openSsl();
  const kind = kindOf(algorithm);
  const length = digestLengths[algorithm];
  if (ssl === undefined || !kind || length === undefined) return hash(algorithm, bytes);
  const digest = Buffer.allocUnsafe(length);
  if (ssl.whole(bytes, bytes.length, digest, null, kind, null) <= 0) throw new Error('hashing failed');
  return digest.toString('hex');
}

/** The digest of an open file, from where it stands; undefined where OpenSSL cannot be called or does not know the algorithm. */
export function nativeDigest(algorithm: string, fd: number): NativeDigest | undefined {
  const ssl = openSsl();
  const kind = kindOf(algorithm);
  if (ssl === undefined || !kind) return undefined;
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
