// What differs between releases of rpm, in one place.

/** Whose behaviour is followed: Debian 12's rpm, or the first with packages of format 6 (and its successors). */
export type RpmLevel = '4.18' | '6.1';

/** How `rpm -K` words what it checks, and what it thinks of keys. */
export interface VerifyWords {
  readonly ranges: Readonly<Record<'header' | 'payload' | 'package', string>>;
  readonly signaturePrefix: string;
  readonly signature: string;
  readonly keyIdDigits: 8 | 16;
  /** A known key is named by the fingerprint of its certificate. */
  readonly namesKey: boolean;
  /** Weak hashes and keys that were expired or revoked are not trusted. */
  readonly judgesKeys: boolean;
}

export const verifyWords: Readonly<Record<RpmLevel, VerifyWords>> = {
  '4.18': {
    ranges: { header: 'Header ', payload: 'Payload ', package: '' },
    signaturePrefix: '',
    signature: 'Signature',
    keyIdDigits: 8,
    namesKey: false,
    judgesKeys: false,
  },
  '6.1': {
    ranges: { header: 'Header ', payload: 'Payload ', package: 'Legacy ' },
    signaturePrefix: 'OpenPGP ',
    signature: 'signature',
    keyIdDigits: 16,
    namesKey: true,
    judgesKeys: true,
  },
};

/** What stands for the name of a tag that the release does not know. */
export const unknownTag: Readonly<Record<RpmLevel, (tag: number) => string>> = {
  '4.18': () => '(unknown)',
  '6.1': (tag) => `[${tag}]`,
};

/** Tags that later releases call by another name. */
export const renamedTags: Readonly<Record<RpmLevel, ReadonlyMap<number, string>>> = {
  '4.18': new Map(),
  '6.1': new Map([
    [5092, 'Payloadsha256'],
    [5093, 'Payloadsha256algo'],
    [5097, 'Payloadsha256alt'],
    [1146, 'Sourcesigmd5'],
  ]),
};
