// containers-certs.d(5): certificates for one registry, in a folder of its name.

import { CoppiceError } from '@coppice/base';
import type { FileSystem } from '@coppice/base/fs';
import type { TlsOptions } from '@coppice/http';
import { hostFs } from '@coppice/linux';

/**
 * What the first of `directories` that has a folder for `host` (`NAME[:PORT]`) says: `*.crt` are authorities trusted beside
 * the system's, `NAME.cert` with `NAME.key` is who we are. Undefined when none has. Throws `Invalid` for half a pair.
 */
export function certificatesFor(
  directories: readonly string[],
  host: string,
  fs: FileSystem = hostFs,
): TlsOptions | undefined {
  const directory = directories.map((d) => `${d}/${host}`).find((d) => fs.stat(d) !== undefined);
  if (directory === undefined) return undefined;
  const names = fs.readdir(directory).sort();
  const path = (name: string): string => `${directory}/${name}`;
  const pairs: string[] = [];
  for (const name of names) {
    const [, stem, kind] = /^(.*)\.(cert|key)$/.exec(name) ?? [];
    if (stem === undefined) continue;
    if (!names.includes(`${stem}.${kind === 'cert' ? 'key' : 'cert'}`))
      throw new CoppiceError('Invalid', `missing ${kind === 'cert' ? 'key' : 'client certificate'} for ${path(name)}`);
    if (kind === 'cert') pairs.push(stem);
  }
  const authorities = names.filter((name) => name.endsWith('.crt')).map(path);
  // Of several identities TLS offers one; the first by name.
  const [pair] = pairs;
  return {
    ...(authorities.length === 0 ? {} : { moreCaPaths: authorities }),
    ...(pair === undefined ? {} : { clientCertPath: path(`${pair}.cert`), clientKeyPath: path(`${pair}.key`) }),
  };
}
