import type { VerifyResult } from '@coppice/signing';

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `%c` of the C locale as GLib writes it, local time: `Mon Nov 23 00:01:56 2026`; days of one digit after a figure space. */
export function formatDate(seconds: number): string {
  const t = new Date(seconds * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return `${days[t.getDay()]} ${months[t.getMonth()]} ${String(t.getDate()).padStart(2, '\u2007')} ${time} ${t.getFullYear()}`;
}

/** One signature in the words of `ostree show`; every line starts with `prefix`. */
export function describeGpgResult(result: VerifyResult, prefix: string): string {
  const lines: string[] = [];
  const user = `"${result.userName} <${result.userEmail}>"`;
  const keyId = result.fingerprint.slice(-16);
  // Of a signature that does not verify, gpg reports the key ID and nothing that the signature claims.
  const algorithm = result.bad ? '[unknown name]' : result.publicKeyAlgorithm;
  const made = formatDate(result.bad ? 0 : result.timestamp);
  lines.push(`Signature made ${made} using ${algorithm} key ID ${keyId}`);
  if (result.keyMissing) lines.push("Can't check signature: public key not found");
  else if (result.valid) lines.push(`Good signature from ${user}`);
  else if (result.keyRevoked) lines.push('Key revoked');
  else if (result.signatureExpired) lines.push(`Expired signature from ${user}`);
  else lines.push(`BAD signature from ${user}`);
  if (!result.keyMissing && (result.bad || result.primaryFingerprint !== result.fingerprint))
    lines.push(`Primary key ID ${result.primaryFingerprint.slice(-16)}`);
  const when = (what: string, time: number, past: boolean): void => {
    if (time > 0) lines.push(`${what} ${past ? 'expired' : 'expires'} ${formatDate(time)}`);
  };
  if (!result.bad) {
    when('Signature', result.expires, result.signatureExpired);
    when('Key', result.keyExpires, result.keyExpired);
    if (result.primaryFingerprint !== result.fingerprint)
      when('Primary key', result.primaryKeyExpires, result.keyExpired);
  }
  return lines.map((line) => `${prefix}${line}\n`).join('');
}

/** Several signatures, an empty line between them. */
export function describeGpgResults(results: readonly VerifyResult[], prefix: string): string {
  return results.map((result) => describeGpgResult(result, prefix)).join('\n');
}
