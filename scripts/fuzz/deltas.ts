// Summaries, and static deltas: superblocks, parts, indexes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import {
  applyOffline,
  decodeSummary,
  generateDelta,
  MutableTree,
  prune,
  Repo,
  rawSummary,
  runFsck,
  summaryCollections,
  summaryDeltas,
  updateSummary,
  viewSummary,
} from '@coppice/ostree';
import { damaged, type FuzzTarget } from './target.ts';

function commitOf(repo: Repo, texts: readonly Buffer[], parent: string | undefined): string {
  return repo.transaction((transaction) => {
    const root = new MutableTree();
    root.setMeta(transaction.writeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] }));
    const header = { uid: 0, gid: 0, mode: 0o100644, symlinkTarget: '', xattrs: [] };
    for (const [i, text] of texts.entries()) root.replaceFile(`file${i}`, transaction.writeContent(header, text));
    const checksum = transaction.writeCommit({
      metadata: new Map([['version', Variant.string('1')]]),
      parent,
      subject: '',
      body: '',
      timestamp: 1,
      ...transaction.writeTree(root),
    });
    transaction.setRef('main', checksum);
    return checksum;
  });
}

export async function deltaTargets(base: string): Promise<FuzzTarget<never>[]> {
  const server = Repo.create(join(base, 'server'), { mode: 'archive' });
  const text = (seed: string): Buffer =>
    Buffer.from(Array.from({ length: 900 }, (_, i) => `${seed} line ${i}\n`).join(''));
  const from = commitOf(server, [text('one'), text('two')], undefined);
  const to = commitOf(server, [Buffer.concat([text('one'), text('new')]), text('three')], from);
  const folder = (name: string): string => {
    const path = join(base, name);
    server.fs.mkdir(path, 0o755);
    return path;
  };
  const parted = folder('parted');
  const whole = folder('inline');
  const log = (): void => {};
  await generateDelta(server, { from, to, filename: join(parted, 'superblock'), log });
  await generateDelta(server, { from, to, inline: true, filename: join(whole, 'superblock'), log });
  await generateDelta(server, { from: undefined, to, log });
  updateSummary(server, { metadata: new Map([['exp.k', Variant.string('v')]]), signers: [] });
  const summary = readFileSync(join(server.path, 'summary'));
  const indexes = readdirSync(join(server.path, 'delta-indexes'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.index'))
    .map((name) => readFileSync(join(server.path, 'delta-indexes', name)));

  const client = Repo.create(join(base, 'client'), { mode: 'bare-user' });
  writeFileSync(join(client.path, 'config'), `${readFileSync(join(client.path, 'config'), 'utf8')}fsync=false\n`);
  const receiver = Repo.open(client.path);
  commitOf(receiver, [text('one'), text('two')], undefined);
  const apply = (dir: string, name: string) => {
    const path = join(dir, name);
    const valid = readFileSync(path);
    return {
      input: damaged([valid]),
      seeds: [valid],
      run(bytes: Buffer) {
        writeFileSync(path, bytes);
        // What the last case brought goes, so that parts are not passed over.
        prune(receiver, { refsOnly: true });
        try {
          applyOffline(receiver, dir, undefined);
        } finally {
          writeFileSync(path, valid);
        }
      },
      // Whatever was taken in is what its name says.
      check: () => (runFsck(receiver).corrupt ? 'a corrupt object was stored' : undefined),
    };
  };
  const targets = [
    {
      name: 'summary',
      share: 5000,
      input: damaged([summary]),
      seeds: [summary],
      run(bytes: Buffer) {
        const read = decodeSummary(bytes);
        summaryCollections(read);
        summaryDeltas(read.metadata);
        viewSummary(bytes);
        rawSummary(bytes);
      },
    },
    {
      name: 'delta index',
      share: 2000,
      input: damaged(indexes),
      seeds: indexes,
      run: (bytes: Buffer) => summaryDeltas(VariantDict.decode(bytes)),
    },
    { name: 'delta superblock', share: 2500, ...apply(parted, 'superblock') },
    { name: 'delta part', share: 1000, ...apply(parted, '0') },
    { name: 'delta in one file', share: 2500, ...apply(whole, 'superblock') },
  ];
  return targets as unknown as FuzzTarget<never>[];
}
