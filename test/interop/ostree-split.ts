// Makes a bare-split-xattrs repository, which no release writes, out of a bare one.
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { encodeXattrs, looseName, sha256, sortXattrs } from '@coppice/ostree';

/** Takes the attributes off every content object and stores them as that mode does. */
export function splitXattrs(repo: string): void {
  const objects = join(repo, 'objects');
  for (const head of readdirSync(objects)) {
    for (const name of readdirSync(join(objects, head))) {
      if (!name.endsWith('.file')) continue;
      const path = join(objects, head, name);
      const xattrs = hostFs.listxattr(path).map((key) => ({ name: key, value: hostFs.getxattr(path, key)! }));
      // A link's content is its target, as a bare repository has it.
      for (const { name: key } of xattrs) hostFs.removexattr(path, key);
      const bytes = encodeXattrs(sortXattrs(xattrs));
      const set = join(objects, looseName(sha256(bytes), 'file-xattrs', 'bare-split-xattrs'));
      mkdirSync(join(set, '..'), { recursive: true });
      if (!existsSync(set)) writeFileSync(set, bytes);
      linkSync(set, `${path}-xattrs-link`);
    }
  }
  const config = join(repo, 'config');
  writeFileSync(config, readFileSync(config, 'utf8').replace('mode=bare\n', 'mode=bare-split-xattrs\n'));
}
