import { CoppiceError } from '@coppice/base';
import { type DBusMessage, decodeMessage, messageSize, prefixSize } from './message.ts';

/** Cuts a stream of bytes into messages. */
export class MessageFraming {
  #pieces: Uint8Array[] = [];
  #have = 0;
  #want = prefixSize;
  readonly #limit: number;

  /** `limit`: bytes that one message may have. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The messages that are whole with these bytes. Throws `Invalid` for malformed ones, `Limit` for one that is too large. */
  *push(bytes: Uint8Array): Generator<DBusMessage> {
    this.#pieces.push(bytes);
    this.#have += bytes.length;
    while (this.#have >= this.#want) {
      const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
      const size = messageSize(all);
      if (size > this.#limit)
        throw new CoppiceError('Limit', `D-Bus message of ${size} bytes, more than ${this.#limit}`);
      this.#pieces = [all];
      this.#want = size;
      if (all.length < size) return;
      this.#pieces = all.length === size ? [] : [all.subarray(size)];
      this.#have = all.length - size;
      this.#want = prefixSize;
      const message = decodeMessage(all.subarray(0, size));
      if (message !== undefined) yield message;
    }
  }
}
