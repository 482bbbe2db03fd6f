// Where an image comes from, as policies and signature stores name it.
import { formatImageReference, type ImageReference } from '../reference.ts';

export type ImageLocation =
  | { readonly transport: 'docker'; readonly reference: ImageReference }
  /** `path` is absolute; `name` is what follows it after a colon. */
  | { readonly transport: 'oci' | 'oci-archive'; readonly path: string; readonly name: string };

/** The reference that signatures name: host, path, and tag or digest. */
export function dockerReference(image: ImageLocation): ImageReference | undefined {
  return image.transport === 'docker' ? image.reference : undefined;
}

/** As error messages name it. */
export function formatLocation(image: ImageLocation): string {
  return image.transport === 'docker'
    ? `docker://${formatImageReference(image.reference)}`
    : `${image.transport}:${image.path}:${image.name}`;
}

function parents(path: string): string[] {
  const out: string[] = [];
  for (let at = path; at !== '' && at !== '/'; at = at.slice(0, at.lastIndexOf('/'))) {
    out.push(at);
    if (!at.includes('/')) break;
  }
  return out;
}

/**
 * Scopes that cover an image, narrowest first. For registries: the full reference, the repository and its namespaces, the
 * host, and `*.DOMAIN` for every domain above it; for directories: the path with the name, then the path and those above.
 */
export function scopesOf(image: ImageLocation): string[] {
  if (image.transport !== 'docker') {
    const named = image.name === '' ? image.path : `${image.path}:${image.name}`;
    return [...new Set([named, ...parents(image.path)])];
  }
  const { host, path } = image.reference;
  const out = [formatImageReference(image.reference), ...parents(`${host}/${path}`)];
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) out.push(`*${host.slice(dot)}`);
  return out;
}
