// Whether the container policy of the system lets an image be deployed (containers-policy.json(5)).
import { CoppiceError, prefixError } from '@coppice/base';
import { readFile } from '@coppice/linux';
import {
  acceptsAnythingByDefault,
  checkPolicy,
  type ImageLocation,
  type ImageSource,
  type Policy,
  parseImageReference,
  parsePolicy,
  readKeyFile,
  readRegistriesD,
} from '@coppice/oci';
import { type RegistryAccess, systemAccess } from '../container/registry-access.ts';
import type { ContainerReference } from '../refspec.ts';
import type { Client } from './client.ts';
import { configDir } from './repo-metadata.ts';

/** How the system reaches registries. */
export function imageAccess(client: Client): RegistryAccess {
  const etc = configDir(client);
  const running = etc === '/etc';
  const usr = running ? '/usr' : `${client.sysroot.deploymentPath(client.originMerge)}/usr`;
  return { ...systemAccess(etc, usr, running), env: client.env, fs: client.fs, signal: client.signal };
}

function policyOf(client: Client): Policy | undefined {
  const path = `${configDir(client)}/containers/policy.json`;
  if (client.fs.lstat(path) === undefined) return undefined;
  return parsePolicy(readFile(path, { fs: client.fs, limit: 1 << 20 }));
}

function locationOf(image: ContainerReference): ImageLocation | undefined {
  if (image.transport === 'registry') return { transport: 'docker', reference: parseImageReference(image.name) };
  if (image.transport !== 'oci' && image.transport !== 'oci-archive') return undefined;
  const colon = image.name.lastIndexOf(':');
  return {
    transport: image.transport,
    path: colon > 0 ? image.name.slice(0, colon) : image.name,
    name: colon > 0 ? image.name.slice(colon + 1) : '',
  };
}

/**
 * Looks up the manifest and checks it; returns its digest, by which it must then be fetched. A reference that asks for a
 * signature needs a policy that does not accept everything. Throws `Signature`, `NotFound`, `Network`, `Invalid`.
 */
export async function checkImagePolicy(
  client: Client,
  image: ContainerReference,
  source: ImageSource,
  reference: string,
): Promise<string> {
  const policy = policyOf(client);
  if (image.signature.kind === 'policy') {
    if (policy === undefined)
      throw new CoppiceError(
        'Signature',
        `No ${configDir(client)}/containers/policy.json: it says whose signature the image needs`,
      );
    if (acceptsAnythingByDefault(policy))
      throw new CoppiceError(
        'Signature',
        'containers-policy.json specifies a default of `insecureAcceptAnything`; refusing usage',
      );
  }
  const { digest } = await source.manifest(reference);
  const location = locationOf(image);
  if (policy === undefined || location === undefined) return digest;
  const etc = configDir(client);
  try {
    await checkPolicy({
      policy,
      storage: readRegistriesD(`${etc}/containers/registries.d`, client.fs),
      image: location,
      source,
      digest,
      // Paths in the policy are those of the system it belongs to.
      readKey: (path) => readKeyFile(path.startsWith('/etc/') ? `${etc}${path.slice(4)}` : path, client.fs),
    });
  } catch (error) {
    throw prefixError(error, 'Source image rejected');
  }
  return digest;
}
