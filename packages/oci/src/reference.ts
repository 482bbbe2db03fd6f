// Names of images in registries: HOST[:PORT]/PATH[:TAG][@DIGEST].
import { CoppiceError } from '@coppice/base';
import { digestHex } from './digest.ts';

export interface ImageReference {
  readonly host: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Throws `Invalid`. A tag of `latest` is assumed without tag and digest. */
export function parseImageReference(text: string): ImageReference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined) digestHex(digest);
  const name = at < 0 ? text : text.slice(0, at);
  const slash = name.indexOf('/');
  const host = slash < 0 ? '' : name.slice(0, slash);
  if (!/^(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|\[[0-9a-f:]+\]|[A-Za-z0-9.-]+(?=:))(:\d+)?$/.test(host))
    throw new CoppiceError('Invalid', `image reference needs a registry host: ${text}`);
  const rest = name.slice(slash + 1);
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!/^[a-z0-9]+((\.|_|__|-+|\/)[a-z0-9]+)*$/.test(path))
    throw new CoppiceError('Invalid', `invalid image name: ${text}`);
  if (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag))
    throw new CoppiceError('Invalid', `invalid tag: ${text}`);
  return { host, path, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

export function formatImageReference(ref: ImageReference): string {
  return `${ref.host}/${ref.path}${ref.tag === undefined ? '' : `:${ref.tag}`}${ref.digest === undefined ? '' : `@${ref.digest}`}`;
}
