// containers-registries.d(5): where the signatures of an image are kept.
import { CoppiceError } from '@coppice/base';
import { parse } from 'yaml';
import type { ImageReference } from '../reference.ts';
import { scopesOf } from './location.ts';

interface Place {
  /** URL below which simple signatures are. */
  readonly lookaside: string | undefined;
  /** Sigstore signatures lie in the registry itself. */
  readonly attachments: boolean | undefined;
}

export interface SignatureStorage {
  readonly default: Place | undefined;
  /** Scope -> place. */
  readonly docker: ReadonlyMap<string, Place>;
}

function place(value: unknown, where: string): Place {
  if (value === null || typeof value !== 'object') throw new CoppiceError('Invalid', `${where}: not a mapping`);
  const from = value as Record<string, unknown>;
  // `sigstore` is the name `lookaside` had before sigstore signatures existed.
  const lookaside = from['lookaside'] ?? from['sigstore'];
  const attachments = from['use-sigstore-attachments'];
  if (lookaside !== undefined && (typeof lookaside !== 'string' || !/^(https?|file):\/\//.test(lookaside)))
    throw new CoppiceError('Invalid', `${where}: lookaside must be a http, https or file URL`);
  if (attachments !== undefined && typeof attachments !== 'boolean')
    throw new CoppiceError('Invalid', `${where}: use-sigstore-attachments must be true or false`);
  return { lookaside, attachments };
}

/** Reads the files of a registries.d directory, `[name, text]` in order of names. Throws `Invalid`, `Conflict`. */
export function parseRegistriesD(files: Iterable<readonly [name: string, text: string]>): SignatureStorage {
  let fallback: { readonly place: Place; readonly name: string } | undefined;
  const docker = new Map<string, Place>();
  const origin = new Map<string, string>();
  for (const [name, text] of files) {
    let document: { readonly 'default-docker'?: unknown; readonly docker?: unknown } | null;
    try {
      document = parse(text, { maxAliasCount: 100, logLevel: 'error' });
    } catch (error) {
      const [line] = String((error as Error).message).split('\n');
      throw new CoppiceError('Invalid', `${name}: ${line}`, { cause: error });
    }
    if (document === null || typeof document !== 'object') continue;
    if (document['default-docker'] !== undefined && document['default-docker'] !== null) {
      if (fallback !== undefined)
        throw new CoppiceError('Conflict', `"default-docker" is in both ${fallback.name} and ${name}`);
      fallback = { place: place(document['default-docker'], `${name}: default-docker`), name };
    }
    for (const [scope, value] of Object.entries((document.docker as Record<string, unknown> | null) ?? {})) {
      if (origin.has(scope))
        throw new CoppiceError('Conflict', `"docker" namespace ${scope} is in both ${origin.get(scope)} and ${name}`);
      origin.set(scope, name);
      docker.set(scope, place(value, `${name}: ${scope}`));
    }
  }
  return { default: fallback?.place, docker };
}

/** The narrowest place that says it, key by key. */
function look<K extends keyof Place>(storage: SignatureStorage, image: ImageReference, key: K): Place[K] | undefined {
  for (const scope of scopesOf({ transport: 'docker', reference: image })) {
    const found = storage.docker.get(scope)?.[key];
    if (found !== undefined) return found;
  }
  return storage.default?.[key];
}

/** URL of the directory with the simple signatures of a manifest; undefined when none is configured. */
export function lookasideUrl(storage: SignatureStorage, image: ImageReference, digest: string): string | undefined {
  const base = look(storage, image, 'lookaside');
  return base === undefined ? undefined : `${base.replace(/\/+$/, '')}/${image.path}@${digest.replace(':', '=')}`;
}

/** Whether sigstore signatures are looked for beside the image. */
export function usesAttachments(storage: SignatureStorage, image: ImageReference): boolean {
  return look(storage, image, 'attachments') ?? false;
}
