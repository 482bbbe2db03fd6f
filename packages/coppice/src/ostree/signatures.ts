import { commitGpgResults, describeGpgResults, verificationKeyring } from '@coppice/ostree';
import type { OstreeCall } from './verb.ts';

export interface SignatureTextOptions {
  /** A further folder of keyrings. */
  readonly gpgHomedir?: string;
  /** The remote whose keys count. */
  readonly remote?: string;
}

/** The block about a commit's GPG signatures that follows its description; empty when it has none. */
export async function signatureText(call: OstreeCall, commit: string, options: SignatureTextOptions): Promise<string> {
  const { repo } = call;
  if (repo.loadDetachedMetadata(commit)?.get('ostree.gpgsigs') === undefined) return '';
  const extra = options.gpgHomedir === undefined ? [] : [options.gpgHomedir];
  const results = commitGpgResults(repo, commit, verificationKeyring(repo, options.remote, extra));
  const found = `Found ${results.length} signature${results.length === 1 ? '' : 's'}:`;
  return `${found}\n\n${describeGpgResults(results, '  ')}`;
}
