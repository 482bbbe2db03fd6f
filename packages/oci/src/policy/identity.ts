// Whether the reference in a signature stands for the image that is used (containers-policy.json(5), signedIdentity).
import { type ImageReference, parseImageReference } from '../reference.ts';
import type { SignedIdentity } from './policy.ts';

const repository = (ref: ImageReference): string => `${ref.host}/${ref.path}`;

/** A reference as signatures write it, which may lack tag and digest; undefined when malformed. */
function parse(text: string): { readonly reference: ImageReference; readonly nameOnly: boolean } | undefined {
  try {
    const reference = parseImageReference(text);
    const last = text.slice(text.lastIndexOf('/') + 1);
    return { reference, nameOnly: !last.includes(':') && !last.includes('@') };
  } catch {
    return undefined;
  }
}

const same = (a: ImageReference, b: ImageReference): boolean =>
  repository(a) === repository(b) && a.tag === b.tag && a.digest === b.digest;

/** `text` with its leading part replaced; undefined when the rule does not speak of it. */
function remapped(image: ImageReference, prefix: string, signedPrefix: string): ImageReference | undefined {
  const name = repository(image);
  const applies =
    name === prefix ||
    (name.startsWith(prefix) && (prefix.includes('/') ? '/' : '/:').includes(name.charAt(prefix.length)));
  if (!applies) return image;
  const parsed = parse(signedPrefix + name.slice(prefix.length));
  if (parsed === undefined) return undefined;
  return { ...image, host: parsed.reference.host, path: parsed.reference.path };
}

/** `image` is undefined for images that come from no registry; those match only exact references. */
export function identityMatches(rule: SignedIdentity, image: ImageReference | undefined, signed: string): boolean {
  const found = parse(signed);
  if (found === undefined) return false;
  if (rule.type === 'exactReference') {
    const wanted = parse(rule.dockerReference);
    return wanted !== undefined && !found.nameOnly && !wanted.nameOnly && same(wanted.reference, found.reference);
  }
  if (rule.type === 'exactRepository') return repository(found.reference) === rule.dockerRepository;
  if (image === undefined) return false;
  switch (rule.type) {
    case 'matchExact':
      return !found.nameOnly && same(image, found.reference);
    case 'matchRepository':
      return repository(image) === repository(found.reference);
    case 'matchRepoDigestOrExact':
      return digestOrExact(image, found);
    case 'remapIdentity': {
      const mapped = remapped(image, rule.prefix, rule.signedPrefix);
      return mapped !== undefined && digestOrExact(mapped, found);
    }
  }
}

/** With a digest alone the repository must be the same (the digest itself is compared elsewhere), with a tag everything. */
function digestOrExact(image: ImageReference, found: { reference: ImageReference; nameOnly: boolean }): boolean {
  if (found.nameOnly) return false;
  if (image.tag !== undefined) return same(image, found.reference);
  return repository(image) === repository(found.reference);
}
