import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { CoppiceError } from '@coppice/base';
import { type Descriptor, digestHex, type ImageSource } from '@coppice/oci';

/** Downloads a blob to a new file. Throws `Corrupt` for more, fewer or other bytes than its descriptor says. */
export async function fetchBlob(source: ImageSource, descriptor: Descriptor, path: string): Promise<void> {
  const hash = createHash('sha256');
  const fd = openSync(path, 'wx', 0o600);
  let size = 0;
  try {
    for await (const chunk of source.blob(descriptor)) {
      size += chunk.length;
      if (size > descriptor.size)
        throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: longer than ${descriptor.size} bytes`);
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
  } finally {
    closeSync(fd);
  }
  if (size !== descriptor.size || hash.digest('hex') !== digestHex(descriptor.digest))
    throw new CoppiceError('Corrupt', `blob ${descriptor.digest}: content does not match`);
}
