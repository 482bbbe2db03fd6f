/**
 * Length of what an xz file of one stream holds, as the index at its end says it (xz file format 1.1, sections 2.1.2 and
 * 4); undefined when the end does not look like one. The number is only a claim: a decoder must still end exactly there.
 */
export function xzSize(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = bytes.length - 12;
  if (footer < 12 || view.getUint16(bytes.length - 2) !== 0x595a) return undefined;
  const start = footer - (view.getUint32(footer + 4, true) + 1) * 4;
  if (start < 12) return undefined;
  let at = start;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; at < footer; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  if (bytes[at++] !== 0) return undefined;
  const records = number();
  let total = 0;
  for (let i = 0; i < records && at < footer; i++) {
    number();
    total += number();
  }
  return Number.isSafeInteger(total) && total > 0 ? total : undefined;
}
