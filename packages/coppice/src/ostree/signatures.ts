import type { OstreeCall } from './verb.ts';

export interface SignatureTextOptions {
  readonly gpgHomedir?: string;
  readonly remote?: string;
}

/** The block about a commit's GPG signatures that follows its description; empty when it has none. */
export async function signatureText(call: OstreeCall, commit: string, _options: SignatureTextOptions): Promise<string> {
  const detached = call.repo.loadDetachedMetadata(commit);
  if (detached?.get('ostree.gpgsigs') === undefined) return '';
  return '';
}
