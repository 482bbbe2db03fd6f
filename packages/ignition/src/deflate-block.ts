import { lengthShift, matchFlag, offsetMask } from './deflate.ts';
import { fixedLiterals, fixedOffsets, HuffmanCode } from './huffman.ts';

const literalCount = 286;
const offsetCount = 30;
const codegenCount = 19;
const endOfBlock = 256;
const lengthCodesStart = 257;
const maxStored = 65535;
const endMark = 255;
const keptOutput = 1 << 20;

// prettier-ignore
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
// prettier-ignore
const lengthBase = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 255,
];
const codegenOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const lengthCodes = new Uint8Array(256);
for (let code = 0; code < 29; code++)
  for (let n = lengthBase[code]!; n < (lengthBase[code + 1] ?? 256); n++) lengthCodes[n] = code;

const offsetExtra = (code: number): number => (code < 4 ? 0 : (code >> 1) - 1);
const offsetBase = (code: number): number => (code < 2 ? code : (2 + (code & 1)) << offsetExtra(code));

function offsetCode(offset: number): number {
  if (offset < 4) return offset;
  const bits = 31 - Math.clz32(offset);
  return 2 * bits + ((offset >> (bits - 1)) & 1);
}

/** Writes DEFLATE blocks: of stored, fixed and dynamic form the shortest. */
export class BlockWriter {
  #out = new Uint8Array(1024);
  #size = 0;
  #bits = 0;
  #bitCount = 0;
  readonly #literalFreq = new Int32Array(literalCount);
  readonly #offsetFreq = new Int32Array(offsetCount);
  readonly #codegenFreq = new Int32Array(codegenCount);
  readonly #codegen = new Uint8Array(literalCount + offsetCount + 1);
  readonly #literals = new HuffmanCode(literalCount);
  readonly #offsets = new HuffmanCode(offsetCount);
  readonly #codegenCode = new HuffmanCode(codegenCount);

  /** All bytes written since the last call. */
  finish(): Uint8Array {
    this.#align();
    const out = this.#out.slice(0, this.#size);
    this.#size = 0;
    if (this.#out.length > keptOutput) this.#out = new Uint8Array(1024);
    return out;
  }

  #push(byte: number): void {
    if (this.#size === this.#out.length) {
      const grown = new Uint8Array(this.#out.length * 2);
      grown.set(this.#out);
      this.#out = grown;
    }
    this.#out[this.#size++] = byte;
  }

  #put(value: number, count: number): void {
    this.#bits |= value << this.#bitCount;
    this.#bitCount += count;
    while (this.#bitCount >= 8) {
      this.#push(this.#bits & 255);
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }

  #align(): void {
    if (this.#bitCount > 0) this.#push(this.#bits & 255);
    this.#bits = 0;
    this.#bitCount = 0;
  }

  writeStoredHeader(length: number, last: boolean): void {
    this.#put(last ? 1 : 0, 3);
    this.#align();
    this.#put(length, 16);
    this.#put(~length & 0xffff, 16);
  }

  /** One block of `count` tokens; `input` are the bytes they stand for when the window still has them. */
  writeBlock(tokens: Int32Array, count: number, input: Uint8Array | undefined): void {
    tokens[count] = endOfBlock;
    const [numLiterals, numOffsets] = this.#index(tokens, count + 1);
    const storable = input !== undefined && input.length <= maxStored;
    let extra = 0;
    if (storable) {
      for (let code = 8; code + lengthCodesStart < numLiterals; code++)
        extra += this.#literalFreq[lengthCodesStart + code]! * lengthExtra[code]!;
      for (let code = 4; code < numOffsets; code++) extra += this.#offsetFreq[code]! * offsetExtra(code);
    }
    const fixedSize = 3 + fixedLiterals.bitLength(this.#literalFreq) + fixedOffsets.bitLength(this.#offsetFreq) + extra;
    this.#generateCodegen(numLiterals, numOffsets);
    this.#codegenCode.generate(this.#codegenFreq, 7);
    let numCodegens = codegenCount;
    while (numCodegens > 4 && this.#codegenFreq[codegenOrder[numCodegens - 1]!] === 0) numCodegens--;
    const dynamicSize =
      17 +
      3 * numCodegens +
      this.#codegenCode.bitLength(this.#codegenFreq) +
      this.#codegenFreq[16]! * 2 +
      this.#codegenFreq[17]! * 3 +
      this.#codegenFreq[18]! * 7 +
      this.#literals.bitLength(this.#literalFreq) +
      this.#offsets.bitLength(this.#offsetFreq) +
      extra;
    const dynamic = dynamicSize < fixedSize;
    if (storable && (input.length + 5) * 8 < (dynamic ? dynamicSize : fixedSize)) {
      this.writeStoredHeader(input.length, false);
      for (const byte of input) this.#push(byte);
      return;
    }
    if (dynamic) this.#dynamicHeader(numLiterals, numOffsets, numCodegens);
    else this.#put(2, 3);
    this.#tokens(tokens, count + 1, dynamic ? this.#literals : fixedLiterals, dynamic ? this.#offsets : fixedOffsets);
  }

  /** Counts the symbols and makes the codes for them; how many literal and offset codes are in use. */
  #index(tokens: Int32Array, count: number): [number, number] {
    this.#literalFreq.fill(0);
    this.#offsetFreq.fill(0);
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!;
      if (token < matchFlag) this.#literalFreq[token]!++;
      else {
        this.#literalFreq[lengthCodesStart + lengthCodes[(token - matchFlag) >> lengthShift]!]!++;
        this.#offsetFreq[offsetCode(token & offsetMask)]!++;
      }
    }
    let numLiterals = literalCount;
    while (this.#literalFreq[numLiterals - 1] === 0) numLiterals--;
    let numOffsets = offsetCount;
    while (numOffsets > 0 && this.#offsetFreq[numOffsets - 1] === 0) numOffsets--;
    if (numOffsets === 0) {
      this.#offsetFreq[0] = 1;
      numOffsets = 1;
    }
    this.#literals.generate(this.#literalFreq, 15);
    this.#offsets.generate(this.#offsetFreq, 15);
    return [numLiterals, numOffsets];
  }

  /** Run-length form of the code lengths (RFC 1951, 3.2.7). */
  #generateCodegen(numLiterals: number, numOffsets: number): void {
    const freq = this.#codegenFreq.fill(0);
    const gen = this.#codegen;
    for (let i = 0; i < numLiterals; i++) gen[i] = this.#literals.lengths[i]!;
    for (let i = 0; i < numOffsets; i++) gen[numLiterals + i] = this.#offsets.lengths[i]!;
    gen[numLiterals + numOffsets] = endMark;
    let size = gen[0]!;
    let count = 1;
    let out = 0;
    const emit = (code: number, repeat: number): void => {
      gen[out++] = code;
      gen[out++] = repeat;
      freq[code]!++;
    };
    for (let at = 1; size !== endMark; at++) {
      const next = gen[at]!;
      if (next === size) {
        count++;
        continue;
      }
      if (size !== 0) {
        gen[out++] = size;
        freq[size]!++;
        count--;
        while (count >= 3) {
          const n = Math.min(6, count);
          emit(16, n - 3);
          count -= n;
        }
      } else {
        while (count >= 11) {
          const n = Math.min(138, count);
          emit(18, n - 11);
          count -= n;
        }
        if (count >= 3) {
          emit(17, count - 3);
          count = 0;
        }
      }
      for (count--; count >= 0; count--) {
        gen[out++] = size;
        freq[size]!++;
      }
      size = next;
      count = 1;
    }
    gen[out] = endMark;
  }

  #dynamicHeader(numLiterals: number, numOffsets: number, numCodegens: number): void {
    this.#put(4, 3);
    this.#put(numLiterals - 257, 5);
    this.#put(numOffsets - 1, 5);
    this.#put(numCodegens - 4, 4);
    for (let i = 0; i < numCodegens; i++) this.#put(this.#codegenCode.lengths[codegenOrder[i]!]!, 3);
    for (let i = 0; this.#codegen[i] !== endMark; i++) {
      const code = this.#codegen[i]!;
      this.#put(this.#codegenCode.codes[code]!, this.#codegenCode.lengths[code]!);
      if (code >= 16) this.#put(this.#codegen[++i]!, code === 16 ? 2 : code === 17 ? 3 : 7);
    }
  }

  #tokens(tokens: Int32Array, count: number, literals: HuffmanCode, offsets: HuffmanCode): void {
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!;
      if (token < matchFlag) {
        this.#put(literals.codes[token]!, literals.lengths[token]!);
        continue;
      }
      const length = (token - matchFlag) >> lengthShift;
      const lc = lengthCodes[length]!;
      this.#put(literals.codes[lengthCodesStart + lc]!, literals.lengths[lengthCodesStart + lc]!);
      if (lengthExtra[lc]! > 0) this.#put(length - lengthBase[lc]!, lengthExtra[lc]!);
      const offset = token & offsetMask;
      const oc = offsetCode(offset);
      this.#put(offsets.codes[oc]!, offsets.lengths[oc]!);
      if (oc >= 4) this.#put(offset - offsetBase(oc), offsetExtra(oc));
    }
  }
}
