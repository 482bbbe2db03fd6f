// Branch targets in machine code, absolute (as the encoder made them) to relative: one converter per instruction set,
// numbered as in the .xz format.
import type { BranchConverter } from './xz-filters.ts';

/** Bytes of a 32-bit displacement that is likely a real one end in 0x00 or 0xff. */
const isEnd = (byte: number): boolean => byte === 0 || byte === 0xff;

/** CALL and JMP of x86: instructions of any length, so what was seen before decides whether an opcode is believed. */
export class X86Converter {
  /** Opcodes among the last bytes: bit 4 says that the displacement's last byte was plausible. */
  #mask = 0;
  #last = -5;

  readonly convert: BranchConverter = (bytes, position) => {
    if (bytes.length < 5) return 0;
    if ((position - this.#last) >>> 0 > 5) this.#last = position - 5;
    const limit = bytes.length - 5;
    let mask = this.#mask;
    let at = 0;
    while (at <= limit) {
      if ((bytes[at]! & 0xfe) !== 0xe8) {
        at++;
        continue;
      }
      const distance = position + at - this.#last;
      this.#last = position + at;
      if (distance > 5) mask = 0;
      else for (let i = 0; i < distance; i++) mask = (mask & 0x77) << 1;
      const seen = mask >>> 1;
      if (isEnd(bytes[at + 4]!) && seen < 0x10 && [0, 1, 2, 4].includes(seen & 7)) {
        let source = bytes[at + 1]! | (bytes[at + 2]! << 8) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 24);
        let target: number;
        for (;;) {
          target = (source - (position + at + 5)) | 0;
          if (mask === 0) break;
          const bit = seen === 0 ? 0 : seen === 1 ? 1 : seen < 4 ? 2 : 3;
          if (!isEnd((target >>> (24 - bit * 8)) & 0xff)) break;
          // Shifting by 32 would be by 0 here; bit 0 keeps all of them.
          source = target ^ (bit === 0 ? -1 : (1 << (32 - bit * 8)) - 1);
        }
        bytes[at + 1] = target;
        bytes[at + 2] = target >>> 8;
        bytes[at + 3] = target >>> 16;
        bytes[at + 4] = (target >>> 24) & 1 ? 0xff : 0;
        at += 5;
        mask = 0;
      } else {
        const plausible = isEnd(bytes[at + 4]!);
        at++;
        mask |= plausible ? 0x11 : 1;
      }
    }
    this.#mask = mask;
    return at;
  };
}

/** Instructions of `step` bytes each, looked at one by one. */
function fixed(
  size: number,
  step: number,
  one: (bytes: Uint8Array, at: number, pc: number) => number,
): BranchConverter {
  return (bytes, position) => {
    let at = 0;
    while (at + size <= bytes.length) at += step + one(bytes, at, (position + at) >>> 0);
    return at;
  };
}

const powerpc = fixed(4, 4, (b, at, pc) => {
  if (b[at]! >>> 2 !== 0x12 || (b[at + 3]! & 3) !== 1) return 0;
  const source = ((b[at]! & 3) << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | (b[at + 3]! & 0xfc);
  const target = source - pc;
  b[at] = 0x48 | ((target >>> 24) & 3);
  b[at + 1] = target >>> 16;
  b[at + 2] = target >>> 8;
  b[at + 3] = (b[at + 3]! & 3) | (target & 0xfc);
  return 0;
});

/** Slots of a bundle, by its template, that may hold a branch. */
const ia64Slots: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 6, 6, 0, 0, 7, 7, 4, 4, 0, 0, 4, 4, 0, 0,
];

const ia64 = fixed(16, 16, (b, at, pc) => {
  const slots = ia64Slots[b[at]! & 31]!;
  for (let slot = 0; slot < 3; slot++) {
    if (((slots >>> slot) & 1) === 0) continue;
    const bit = 5 + slot * 41;
    const from = at + (bit >>> 3);
    const shift = BigInt(bit & 7);
    let word = 0n;
    for (let i = 5; i >= 0; i--) word = (word << 8n) | BigInt(b[from + i]!);
    const instruction = word >> shift;
    if (((instruction >> 37n) & 15n) !== 5n || ((instruction >> 9n) & 7n) !== 0n) continue;
    const address = Number(((instruction >> 13n) & 0xfffffn) | (((instruction >> 36n) & 1n) << 20n)) << 4;
    const target = BigInt(((address - pc) >>> 0) >>> 4);
    const changed = (instruction & ~(0x8fffffn << 13n)) | ((target & 0xfffffn) << 13n) | ((target & 0x100000n) << 16n);
    word = (word & ((1n << shift) - 1n)) | (changed << shift);
    for (let i = 0; i < 6; i++) b[from + i] = Number((word >> BigInt(8 * i)) & 255n);
  }
  return 0;
});

const arm = fixed(4, 4, (b, at, pc) => {
  if (b[at + 3] !== 0xeb) return 0;
  const source = (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)) << 2;
  const target = ((source - (pc + 8)) >>> 0) >>> 2;
  b[at] = target;
  b[at + 1] = target >>> 8;
  b[at + 2] = target >>> 16;
  return 0;
});

const armThumb = fixed(4, 2, (b, at, pc) => {
  if ((b[at + 1]! & 0xf8) !== 0xf0 || (b[at + 3]! & 0xf8) !== 0xf8) return 0;
  const source = (((b[at + 1]! & 7) << 19) | (b[at]! << 11) | ((b[at + 3]! & 7) << 8) | b[at + 2]!) << 1;
  const target = ((source - (pc + 4)) >>> 0) >>> 1;
  b[at + 1] = 0xf0 | ((target >>> 19) & 7);
  b[at] = target >>> 11;
  b[at + 3] = 0xf8 | ((target >>> 8) & 7);
  b[at + 2] = target;
  return 2;
});

const sparc = fixed(4, 4, (b, at, pc) => {
  const call = (b[at] === 0x40 && (b[at + 1]! & 0xc0) === 0) || (b[at] === 0x7f && (b[at + 1]! & 0xc0) === 0xc0);
  if (!call) return 0;
  const source = ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) << 2;
  const plain = ((source - pc) >>> 0) >>> 2;
  const target = (((0 - ((plain >>> 22) & 1)) << 22) & 0x3fffffff) | (plain & 0x3fffff) | 0x40000000;
  b[at] = target >>> 24;
  b[at + 1] = target >>> 16;
  b[at + 2] = target >>> 8;
  b[at + 3] = target;
  return 0;
});

const arm64 = fixed(4, 4, (b, at, pc) => {
  const word = (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;
  let out: number;
  if (word >>> 26 === 0x25) out = 0x94000000 | ((word - (pc >>> 2)) & 0x03ffffff);
  else if ((word & 0x9f000000) >>> 0 === 0x90000000) {
    const source = ((word >>> 29) & 3) | ((word >>> 3) & 0x001ffffc);
    if (((source + 0x00020000) & 0x001c0000) !== 0) return 0;
    const target = source - (pc >>> 12);
    out =
      (word & 0x9000001f) | ((target & 3) << 29) | ((target & 0x0003fffc) << 3) | (-(target & 0x00020000) & 0x00e00000);
  } else return 0;
  b[at] = out;
  b[at + 1] = out >>> 8;
  b[at + 2] = out >>> 16;
  b[at + 3] = out >>> 24;
  return 0;
});

const little = (b: Uint8Array, at: number): number =>
  (b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24)) >>> 0;

function putLittle(b: Uint8Array, at: number, word: number): void {
  b[at] = word;
  b[at + 1] = word >>> 8;
  b[at + 2] = word >>> 16;
  b[at + 3] = word >>> 24;
}

const auipc = 0x17;

/** JAL to a register for return addresses: the target stands there from its highest bit on, over three bytes. */
function riscvJal(b: Uint8Array, at: number, pc: number): void {
  const target = ((b[at + 1]! & 0xf0) << 13) | (b[at + 2]! << 9) | (b[at + 3]! << 1);
  const offset = (target - pc) >>> 0;
  b[at + 1] = (b[at + 1]! & 0x0f) | ((offset >>> 8) & 0xf0);
  b[at + 2] = ((offset >>> 16) & 0x0f) | ((offset >>> 7) & 0x10) | ((offset << 4) & 0xe0);
  b[at + 3] = ((offset >>> 4) & 0x7f) | ((offset >>> 13) & 0x80);
}

/**
 * AUIPC and the instruction that adds the low bits. The encoder swaps two forms: real pairs, which name the same register
 * twice, become AUIPC to x2 with most of the second instruction in it and an absolute address; what looked like that before
 * becomes a pair. Returns how many bytes are dealt with.
 */
function riscvAuipc(b: Uint8Array, at: number, pc: number): number {
  const first = little(b, at);
  const second = little(b, at + 4);
  const register = (first >>> 7) & 31;
  if (register !== 0 && register !== 2) {
    const isPair = register === ((second >>> 15) & 31) && (second & 3) === 3;
    if (!isPair) return 6;
    putLittle(b, at, auipc | (2 << 7) | (second << 12));
    putLittle(b, at + 4, (first & 0xfffff000) + (second >>> 20));
    return 8;
  }
  const base = first >>> 27;
  const isSpecial = register === 2 && ((first >>> 12) & 3) === 3 && base !== 0 && base !== 2;
  if (!isSpecial) return 4;
  const target = ((b[at + 4]! << 24) | (b[at + 5]! << 16) | (b[at + 6]! << 8) | b[at + 7]!) >>> 0;
  const offset = (target - pc) >>> 0;
  putLittle(b, at, auipc | (base << 7) | ((offset + 0x800) & 0xfffff000));
  putLittle(b, at + 4, (first >>> 12) | (offset << 20));
  return 8;
}

/** Instructions are of 2 or 4 bytes. */
const riscv: BranchConverter = (b, position) => {
  let at = 0;
  while (at + 8 <= b.length) {
    const pc = (position + at) >>> 0;
    if (b[at] === 0xef && (b[at + 1]! & 0x0d) === 0) {
      riscvJal(b, at, pc);
      at += 4;
    } else at += (b[at]! & 0x7f) === auipc ? riscvAuipc(b, at, pc) : 2;
  }
  return at;
};

/** By filter number; x86 keeps state and is made anew for each block. */
export const branchConverters: ReadonlyMap<number, { alignment: number; convert?: BranchConverter }> = new Map<
  number,
  { alignment: number; convert?: BranchConverter }
>([
  [4, { alignment: 1 }],
  [5, { alignment: 4, convert: powerpc }],
  [6, { alignment: 16, convert: ia64 }],
  [7, { alignment: 4, convert: arm }],
  [8, { alignment: 2, convert: armThumb }],
  [9, { alignment: 4, convert: sparc }],
  [10, { alignment: 4, convert: arm64 }],
  [11, { alignment: 2, convert: riscv }],
]);
