// TXT records of services (RFC 6763, section 6; ostree-repo-finder-avahi-parser.c).

/** Bytes that one entry may have. */
const longest = 8900;

/** Key and value of an entry; no value when it has no `=`. Undefined for one that is malformed. */
function parseEntry(entry: Uint8Array): { key: string; value: Uint8Array | undefined } | undefined {
  if (entry.length > longest) return undefined;
  const equals = entry.indexOf(0x3d);
  const key = equals < 0 ? entry : entry.subarray(0, equals);
  if (key.length === 0 || key.some((byte) => byte < 0x20 || byte > 0x7e)) return undefined;
  return {
    key: Buffer.from(key).toString('latin1').toLowerCase(),
    value: equals < 0 ? undefined : entry.subarray(equals + 1),
  };
}

/** The entries by key in lower case; of several with one key the first counts, and malformed ones are passed over. */
export function parseTxtRecord(entries: readonly Uint8Array[]): Map<string, Uint8Array | undefined> {
  const out = new Map<string, Uint8Array | undefined>();
  for (const entry of entries) {
    const parsed = parseEntry(entry);
    if (parsed !== undefined && !out.has(parsed.key)) out.set(parsed.key, parsed.value);
  }
  return out;
}

/** Entries `key=value`, each of at most 255 bytes. */
export function txtRecord(fields: Readonly<Record<string, Uint8Array>>): Uint8Array[] {
  return Object.entries(fields).map(([key, value]) => Buffer.concat([Buffer.from(`${key}=`), value]));
}
