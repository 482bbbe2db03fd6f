// The object store as a library: commit a folder and a file made in memory, read it back, compare, check, check out.
// Run it with: node --conditions=source examples/ostree/library.ts
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Variant } from '@coppice/gvariant';
import { checkout, diffTrees, MutableTree, Repo, runFsck } from '@coppice/ostree';

const base = mkdtempSync(join(tmpdir(), 'example-'));
try {
  // A folder to commit.
  const folder = join(base, 'folder');
  mkdirSync(join(folder, 'etc'), { recursive: true });
  writeFileSync(join(folder, 'etc/motd'), 'Hello\n');

  const repo = Repo.create(join(base, 'repo'), { mode: 'archive' });

  // Everything in a transaction becomes visible at once, after it is safe on disk; a ref comes last.
  const first = repo.transaction((transaction) => {
    const root = new MutableTree();
    transaction.writeDirectory(folder, root, { canonicalPermissions: true });
    const commit = transaction.writeCommit({
      metadata: new Map([['version', Variant.string('1.0')]]),
      parent: undefined,
      subject: 'The first',
      body: '',
      timestamp: 1700000000,
      ...transaction.writeTree(root),
    });
    transaction.setRef('example/main', commit);
    return commit;
  });

  // The next commit changes one file in memory; nothing else is read again.
  const second = repo.transaction((transaction) => {
    const root = MutableTree.fromCommit(repo, first);
    const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
    root.ensureDir('etc').replaceFile('motd', transaction.writeContent(header, Buffer.from('Hello again\n')));
    const commit = transaction.writeCommit({
      metadata: new Map([['version', Variant.string('1.1')]]),
      parent: first,
      subject: 'The second',
      body: '',
      timestamp: 1700000001,
      ...transaction.writeTree(root),
    });
    transaction.setRef('example/main', commit);
    return commit;
  });

  for (const entry of repo.readTree(repo.resolveRev('example/main'))) console.log(entry.type, entry.path);
  console.log(repo.readFileBytes(second, '/etc/motd')?.toString().trim());
  for (const { type, path } of diffTrees(repo, first, second)) console.log(type, path);

  checkout(repo, { commit: second, dest: join(base, 'out'), mode: 'user' });
  console.log(readFileSync(join(base, 'out/etc/motd'), 'utf8').trim());

  const { commits, corrupt } = runFsck(repo);
  console.log(`${commits} commits, ${corrupt ? 'corrupt' : 'no errors'}`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
