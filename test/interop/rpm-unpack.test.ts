// Links that are in the root before a package is unpacked there: followed, replaced or refused as rpm -i --root does.
import { lchownSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCoppiceError } from '@coppice/base';
import { buildPackage, readPackage, unpackPackage } from '@coppice/rpm';
import { describe, expect, it } from 'vitest';
import { call, missing, output, scratch } from './rpm-support.ts';

const reason = process.getuid?.() === 0 ? missing('rpm', 'find') : 'needs root';

/** What is there before: directories, then links with their owner, then files. */
interface Before {
  readonly dirs?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  readonly owners?: Readonly<Record<string, number>>;
  readonly files?: readonly string[];
}

const usr = ['usr', 'usr/lib', 'real', 'real/dir'];
const cases: Readonly<Record<string, Before>> = {
  'a merged /usr': { dirs: usr, links: { lib: 'usr/lib' } },
  'absolute links': { dirs: usr, links: { lib: '/usr/lib', sub: '/real' } },
  'links that climb above the root': { dirs: usr, links: { lib: '../../../usr/lib', sub: '../../../../../../real' } },
  'links to links': { dirs: usr, links: { lib: 'one', one: '/two', two: 'usr/./../usr/lib', sub: 'real' } },
  'a directory behind somebody else’s link': { dirs: usr, links: { lib: 'usr/lib' }, owners: { lib: 1000 } },
  'a directory behind the link of its owner': {
    dirs: usr,
    links: { lib: 'usr/lib' },
    owners: { lib: 1000, 'usr/lib': 1000 },
  },
  'somebody else’s link on the way': { dirs: usr, links: { sub: 'real' }, owners: { sub: 1000 } },
  'a link that leads nowhere': { links: { lib: 'usr/lib' } },
  'a link to itself': { links: { lib: 'lib' } },
  'a link to a file': { links: { lib: 'file' }, files: ['file'] },
  'a link to a file on the way': { links: { sub: 'file' }, files: ['file'] },
  'a file on the way': { files: ['sub'] },
};

describe.skipIf(reason !== undefined)(
  `unpacking into a root with links${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    for (const [name, before] of Object.entries(cases))
      it(name, () => {
        const dir = scratch();
        const base = { name: 'links', version: '1', release: '1', arch: 'noarch', summary: 'x', license: 'MIT' };
        const bytes = buildPackage({
          ...base,
          files: [
            { path: '/lib', type: 'directory', mode: 0o750 },
            { path: '/lib/x', content: 'hello' },
            { path: '/sub/dir/file', content: 'f' },
          ],
        }).bytes();
        const file = join(dir, 'links.rpm');
        writeFileSync(file, bytes);
        const roots = ['theirs', 'ours'].map((which) => {
          const root = mkdtempSync(join(dir, `${which}-`));
          for (const path of before.dirs ?? []) mkdirSync(join(root, path));
          for (const path of before.files ?? []) writeFileSync(join(root, path), 'there');
          for (const [path, target] of Object.entries(before.links ?? {})) symlinkSync(target, join(root, path));
          for (const [path, owner] of Object.entries(before.owners ?? {})) lchownSync(join(root, path), owner, owner);
          return root;
        }) as [string, string];
        const theirs = call('rpm', ['-i', '--root', roots[0], '--dbpath', '/db', '--nodeps', '--force-debian', file]);
        let failed = false;
        try {
          unpackPackage(readPackage(file), roots[1]);
        } catch (error) {
          if (!isCoppiceError(error)) throw error;
          failed = true;
        }
        expect(failed, theirs.stderr.toString()).toBe(theirs.status !== 0);
        const tree = (root: string): string[] =>
          output('find', [root, '-path', `${root}/db`, '-prune', '-o', '-printf', '%P %M %U %l %s\n'])
            .toString()
            .split('\n')
            .filter((line) => !/^\S* d.* \d+$/.test(line) || !line.startsWith(' '))
            .map((line) => (/^\S* d/.test(line) ? line.replace(/ \d+$/, '') : line))
            .sort();
        if (!failed) expect(tree(roots[1])).toEqual(tree(roots[0]));
      });
  },
);
