import { createHash } from 'node:crypto';

const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769';

/** z-base-32 of bytes (5 bits a character, most significant first). */
export function zbase32(bytes: Uint8Array): string {
  let out = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) out += alphabet[(held << (5 - bits)) & 31];
  return out;
}

/** Where a mail address's key may be fetched (Web Key Directory draft): the advanced and the direct URL. */
export function webKeyUrls(email: string): { readonly advanced: string; readonly direct: string } | undefined {
  const at = email.lastIndexOf('@');
  if (at <= 0 || at === email.length - 1) return undefined;
  // gpgme gives addresses in small letters.
  const local = email.slice(0, at).toLowerCase();
  const domain = email.slice(at + 1).toLowerCase();
  const hash = zbase32(createHash('sha1').update(local).digest());
  const query = `?l=${encodeURIComponent(local)}`;
  return {
    advanced: `https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/hu/${hash}${query}`,
    direct: `https://${domain}/.well-known/openpgpkey/hu/${hash}${query}`,
  };
}
