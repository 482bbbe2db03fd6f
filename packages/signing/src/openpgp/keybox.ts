import { ByteReader, CoppiceError } from '@coppice/base';

/** The OpenPGP key blocks in a keybox file (`pubring.kbx`; GnuPG's kbx/keybox-blob.c). Throws `Corrupt`. */
export function keyboxCertificates(bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const reader = new ByteReader(bytes, 'keybox', at);
    const length = reader.u32be();
    if (length < 5 || at + length > bytes.length) throw new CoppiceError('Corrupt', `keybox: bad blob length at ${at}`);
    const type = reader.u8();
    if (type === 2) {
      reader.skip(3);
      const offset = reader.u32be();
      const size = reader.u32be();
      if (offset + size > length) throw new CoppiceError('Corrupt', `keybox: bad key block at ${at}`);
      out.push(bytes.subarray(at + offset, at + offset + size));
    }
    at += length;
  }
  return out;
}
