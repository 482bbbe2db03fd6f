// Compression of part payloads, which may be larger than memory should be: by the system's liblzma off the main thread where
// it is there (it is wherever rpm, dpkg or systemd are), else by our own encoder.
import { compress } from '@coppice/archive';
import { CoppiceError } from '@coppice/base';
import { loadKoffi, lzmaStreamMembers, newLzmaStream } from '@coppice/linux';

/** Compresses what `source` gives into one xz container with CRC-64, which `sink` gets piece by piece, each valid in the call only. */
export type XzEncoder = (
  source: Iterable<Uint8Array>,
  dictionary: number,
  sink: (bytes: Uint8Array) => void,
) => Promise<void>;

type NativeCall = ((...args: unknown[]) => number) & {
  async(...args: unknown[]): void;
};

interface Koffi {
  load(name: string): { func(prototype: string): NativeCall };
  struct(name: string, members: Record<string, string>): unknown;
}

/** As the original's. */
const preset = 8;
const checkCrc64 = 4;
const filterLzma2 = 0x21n;
const endOfFilters = 0xffffffffffffffffn;
const actions = { run: 0, finish: 3 } as const;
const streamEnd = 1;

/** What one call compresses takes about a tenth of a second, so the main thread is seldom waited for. */
const inputSize = 2 * 1024 * 1024;
const outputSize = 256 * 1024;

let loaded: XzEncoder | null | undefined;

/** Compresses with liblzma where there is one. */
export const xzEncode: XzEncoder = (source, dictionary, sink) => {
  if (loaded === undefined) {
    try {
      loaded = load();
    } catch {
      loaded = null;
    }
  }
  return (loaded ?? ownEncoder)(source, dictionary, sink);
};

const ownEncoder: XzEncoder = async (source, _dictionary, sink) => {
  for (const piece of compress(source, 'xz', { level: preset })) sink(piece);
};

function load(): XzEncoder {
  const koffi = loadKoffi() as unknown as Koffi;
  const library = koffi.load('liblzma.so.5');
  koffi.struct('coppice_lzma_filter', { id: 'uint64_t', options: 'void *' });
  koffi.struct('coppice_lzma_encoder', { ...lzmaStreamMembers });
  const lzmaPreset = library.func('uint8_t lzma_lzma_preset(_Inout_ uint8_t *options, uint32_t preset)');
  const start = library.func(
    'int lzma_stream_encoder(_Inout_ coppice_lzma_encoder *stream, coppice_lzma_filter *filters, int check)',
  );
  const code = library.func('int lzma_code(_Inout_ coppice_lzma_encoder *stream, int action)');
  const end = library.func('void lzma_end(_Inout_ coppice_lzma_encoder *stream)');
  return async (source, dictionary, sink) => {
    const options = Buffer.alloc(512);
    lzmaPreset(options, preset);
    options.writeUInt32LE(dictionary, 0);
    const stream = newLzmaStream();
    const filters = [
      { id: filterLzma2, options },
      { id: endOfFilters, options: null },
    ];
    check('lzma_stream_encoder', start(stream, filters, checkCrc64));
    try {
      const output = Buffer.allocUnsafeSlow(outputSize);
      for (const { bytes, last } of batches(source)) {
        let status = 0;
        for (let at = 0; at < bytes.length || (last && status !== streamEnd); ) {
          stream.next_in = bytes.subarray(at);
          stream.avail_in = bytes.length - at;
          stream.next_out = output;
          stream.avail_out = outputSize;
          status = await new Promise<number>((resolve, reject) => {
            code.async(stream, last ? actions.finish : actions.run, (error: unknown, result: number) =>
              error ? reject(error) : resolve(result),
            );
          });
          if (status !== streamEnd) check('lzma_code', status);
          at = bytes.length - Number(stream.avail_in);
          sink(output.subarray(0, outputSize - Number(stream.avail_out)));
        }
      }
    } finally {
      end(stream);
    }
  };
}

function check(name: string, code: number): void {
  if (code !== 0) throw new CoppiceError(code === 5 ? 'Limit' : 'Bug', `${name}: ${code}`);
}

/** The source's bytes in large pieces in one buffer; the last one says so. */
function* batches(source: Iterable<Uint8Array>): Generator<{ readonly bytes: Uint8Array; readonly last: boolean }> {
  const buffer = Buffer.allocUnsafeSlow(inputSize);
  let filled = 0;
  for (const piece of source) {
    for (let rest = piece; rest.length > 0; ) {
      if (filled === inputSize) {
        yield { bytes: buffer, last: false };
        filled = 0;
      }
      const part = rest.subarray(0, inputSize - filled);
      buffer.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
    }
  }
  yield { bytes: buffer.subarray(0, filled), last: true };
}
