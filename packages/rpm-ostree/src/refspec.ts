// What an origin points at: a branch, a fixed commit or a container image.
import { CoppiceError } from '@coppice/base';

export type Refspec =
  | { readonly kind: 'ostree'; readonly remote: string | undefined; readonly ref: string }
  | { readonly kind: 'checksum'; readonly checksum: string }
  | { readonly kind: 'container'; readonly image: ContainerReference };

/** Whose signature an image must carry: an ostree remote's, any the container policy accepts, or none. */
export type SignatureSource =
  | { readonly kind: 'remote'; readonly remote: string }
  | { readonly kind: 'policy' }
  | { readonly kind: 'insecure' };

export interface ContainerReference {
  readonly signature: SignatureSource;
  /** As skopeo names them: `registry`, `oci`, `oci-archive`, `containers-storage`, `dir`, `docker-archive` ... */
  readonly transport: string;
  /** For `registry` without the leading `//`. */
  readonly name: string;
}

const prefixes: readonly {
  readonly prefix: string;
  readonly remote: boolean;
  readonly signature: 'policy' | 'insecure';
  readonly registry: boolean;
}[] = [
  { prefix: 'ostree-image-signed:', remote: false, signature: 'policy', registry: false },
  { prefix: 'ostree-unverified-image:', remote: false, signature: 'insecure', registry: false },
  { prefix: 'ostree-unverified-registry:', remote: false, signature: 'insecure', registry: true },
  { prefix: 'ostree-remote-registry:', remote: true, signature: 'policy', registry: true },
  { prefix: 'ostree-remote-image:', remote: true, signature: 'policy', registry: false },
];

/** Reads an image reference such as `ostree-unverified-registry:HOST/IMAGE:TAG`; undefined when it is none. */
export function parseContainerReference(text: string): ContainerReference | undefined {
  const found = prefixes.find((p) => text.startsWith(p.prefix));
  if (found === undefined) return undefined;
  let rest = text.slice(found.prefix.length);
  let signature: SignatureSource = found.signature === 'policy' ? { kind: 'policy' } : { kind: 'insecure' };
  if (found.remote) {
    const colon = rest.indexOf(':');
    if (colon <= 0) throw new CoppiceError('Invalid', `Missing ':' in ${text}`);
    signature = { kind: 'remote', remote: rest.slice(0, colon) };
    rest = rest.slice(colon + 1);
  }
  if (found.registry) {
    if (rest === '') throw new CoppiceError('Invalid', `Missing image name in ${text}`);
    return { signature, transport: 'registry', name: rest };
  }
  const colon = rest.indexOf(':');
  if (colon <= 0) throw new CoppiceError('Invalid', `Missing ':' in imgref`);
  const transport = rest.slice(0, colon);
  let name = rest.slice(colon + 1);
  if (transport === 'docker' || transport === 'registry') {
    if (transport === 'docker') {
      if (!name.startsWith('//')) throw new CoppiceError('Invalid', `Missing // in docker:// in ${text}`);
      name = name.slice(2);
    }
    return { signature, transport: 'registry', name };
  }
  return { signature, transport, name };
}

/** The reference as origins and `status` write it. */
export function formatContainerReference(image: ContainerReference): string {
  const registry = image.transport === 'registry';
  const tail = registry ? `docker://${image.name}` : `${image.transport}:${image.name}`;
  switch (image.signature.kind) {
    case 'policy':
      return `ostree-image-signed:${tail}`;
    case 'insecure':
      return registry ? `ostree-unverified-registry:${image.name}` : `ostree-unverified-image:${tail}`;
    case 'remote':
      return registry
        ? `ostree-remote-registry:${image.signature.remote}:${image.name}`
        : `ostree-remote-image:${image.signature.remote}:${tail}`;
  }
}

const checksumPattern = /^[0-9a-f]{64}$/;

/** Classifies what a user or an origin gave: an image, 64 hex digits, or `[REMOTE:]REF` (an `ostree://` prefix is dropped). */
export function parseRefspec(text: string): Refspec {
  const image = parseContainerReference(text);
  if (image !== undefined) return { kind: 'container', image };
  const plain = text.startsWith('ostree://') ? text.slice('ostree://'.length) : text;
  if (plain === '') throw new CoppiceError('Invalid', 'Refspec is empty');
  if (checksumPattern.test(plain)) return { kind: 'checksum', checksum: plain };
  const colon = plain.indexOf(':');
  const remote = colon > 0 ? plain.slice(0, colon) : undefined;
  return { kind: 'ostree', remote, ref: colon >= 0 ? plain.slice(colon + 1) : plain };
}

export function formatRefspec(refspec: Refspec): string {
  switch (refspec.kind) {
    case 'ostree':
      return refspec.remote === undefined ? refspec.ref : `${refspec.remote}:${refspec.ref}`;
    case 'checksum':
      return refspec.checksum;
    case 'container':
      return formatContainerReference(refspec.image);
  }
}

/**
 * The refspec a `rebase` argument means, given the current one: `REMOTE:BRANCH`, `BRANCH` (keeps the remote),
 * `REMOTE:` (keeps the branch), `:BRANCH` (local). Throws `Invalid` when there is nothing to keep.
 */
export function resolveRebaseTarget(argument: string, current: Refspec | undefined): Refspec {
  const plain = argument.startsWith('ostree://') ? argument.slice('ostree://'.length) : argument;
  const parsed = parseRefspec(argument);
  if (parsed.kind !== 'ostree') return parsed;
  const from = current?.kind === 'ostree' ? current : undefined;
  if (plain.startsWith(':')) {
    if (plain === ':') throw new CoppiceError('Invalid', 'Refspec is empty');
    return { kind: 'ostree', remote: undefined, ref: plain.slice(1) };
  }
  if (plain.endsWith(':')) {
    if (from === undefined) throw new CoppiceError('Invalid', 'Missing ref in refspec');
    return { kind: 'ostree', remote: plain.slice(0, -1), ref: from.ref };
  }
  if (!plain.includes(':')) return { kind: 'ostree', remote: from?.remote, ref: plain };
  return parsed;
}
