// Certificates that signatures of images are made with: their chain up to authorities that a policy names, at a given time, and
// who they are for. Node checks signatures and dates; what it does not show of a certificate is read from its DER.
import { X509Certificate } from 'node:crypto';
import { CoppiceError } from '@coppice/base';

const codeSigning = '1.3.6.1.5.5.7.3.3';
const alternativeName = '2.5.29.17';
const depthLimit = 6;
const countLimit = 64;

interface Element {
  readonly tag: number;
  readonly value: Buffer;
}

function malformed(): CoppiceError {
  return new CoppiceError('Signature', 'malformed certificate');
}

/** The elements of a constructed DER value. Throws `Signature`. */
function elements(bytes: Buffer): Element[] {
  const out: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? Number.NaN;
    let head = 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || at + 2 + count > bytes.length) throw malformed();
      length = bytes.readUIntBE(at + 2, count);
      head += count;
    }
    const end = at + head + length;
    if (!(end <= bytes.length)) throw malformed();
    out.push({ tag, value: bytes.subarray(at + head, end) });
    at = end;
  }
  return out;
}

function objectIdentifier(bytes: Buffer): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const first = Math.min(2, Math.floor((numbers[0] ?? 0) / 40));
  return [first, (numbers[0] ?? 0) - first * 40, ...numbers.slice(1)].join('.');
}

/** Contents of the extensions by object identifier. Throws `Signature`. */
function extensions(certificate: X509Certificate): Map<string, Buffer> {
  const [outer] = elements(certificate.raw);
  const [body] = outer === undefined ? [] : elements(outer.value);
  const wrapped = body === undefined ? undefined : elements(body.value).find((e) => e.tag === 0xa3);
  const [list] = wrapped === undefined ? [] : elements(wrapped.value);
  const out = new Map<string, Buffer>();
  for (const extension of list === undefined ? [] : elements(list.value)) {
    const parts = elements(extension.value);
    const [id] = parts;
    const content = parts.at(-1);
    if (id?.tag !== 6 || content?.tag !== 4) throw malformed();
    const name = objectIdentifier(id.value);
    if (out.has(name)) throw malformed();
    out.set(name, content.value);
  }
  return out;
}

/** Certificates of a PEM text, in order. Throws `Signature`. */
export function parseCertificates(pem: string, what: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > countLimit)
    throw new CoppiceError('Signature', `${what}: ${blocks.length} certificates`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new CoppiceError('Signature', `${what}: not a certificate`, { cause: error });
  }
}

const validAt = (c: X509Certificate, time: number): boolean =>
  Date.parse(c.validFrom) <= time && time <= Date.parse(c.validTo);

/** Whether one of `roots` vouches for the certificate, directly or through `between`, all valid at `time` (milliseconds). */
function chains(
  certificate: X509Certificate,
  roots: readonly X509Certificate[],
  between: readonly X509Certificate[],
  time: number,
  depth = 0,
): boolean {
  if (depth > depthLimit || !validAt(certificate, time)) return false;
  const issued = (by: X509Certificate): boolean =>
    by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey) && validAt(by, time);
  if (roots.some((root) => issued(root))) return true;
  return between.some(
    (middle) =>
      middle.fingerprint256 !== certificate.fingerprint256 &&
      issued(middle) &&
      chains(
        middle,
        roots,
        between.filter((c) => c !== middle),
        time,
        depth + 1,
      ),
  );
}

/** A certificate for signing code that the authorities vouch for at `time`. Throws `Signature`. */
export function verifyCodeSigner(
  certificate: X509Certificate,
  authorities: { readonly roots: readonly X509Certificate[]; readonly between: readonly X509Certificate[] },
  time: number,
): void {
  if (!chains(certificate, authorities.roots, authorities.between, time))
    throw new CoppiceError(
      'Signature',
      'verifying leaf certificate failed: no accepted authority issued it for that time',
    );
  if (certificate.keyUsage?.includes(codeSigning) !== true)
    throw new CoppiceError('Signature', 'the certificate is not for signing code');
}

/** Mail addresses and host names that a certificate is for. */
export function subjectsOf(certificate: X509Certificate): { readonly emails: string[]; readonly hosts: string[] } {
  const names = extensions(certificate).get(alternativeName);
  const [list] = names === undefined ? [] : elements(names);
  const all = list === undefined ? [] : elements(list.value);
  const of = (tag: number): string[] => all.filter((e) => e.tag === tag).map((e) => e.value.toString('latin1'));
  return { emails: of(0x81), hosts: of(0x82) };
}

const issuerIds = { raw: '1.3.6.1.4.1.57264.1.1', utf8: '1.3.6.1.4.1.57264.1.8' } as const;

/** Who told Fulcio who the subject is; both ways of writing it must agree. Throws `Signature`. */
export function oidcIssuerOf(certificate: X509Certificate): string {
  const found = extensions(certificate);
  const raw = found.get(issuerIds.raw)?.toString();
  const wrapped = found.get(issuerIds.utf8);
  const [inner] = wrapped === undefined ? [] : elements(wrapped);
  const utf8 = inner?.tag === 12 ? inner.value.toString() : undefined;
  if (wrapped !== undefined && utf8 === undefined) throw malformed();
  if (raw !== undefined && utf8 !== undefined && raw !== utf8)
    throw new CoppiceError('Signature', 'inconsistent OIDC issuer extensions of the certificate');
  const issuer = utf8 ?? raw;
  if (issuer === undefined) throw new CoppiceError('Signature', 'Fulcio certificate is missing the issuer extension');
  return issuer;
}
