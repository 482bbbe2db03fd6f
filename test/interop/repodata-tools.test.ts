// What createrepo_c makes beside the documents, and mergerepo_c and modifyrepo_c, against ours.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decompressBytes } from '@coppice/archive';
import { findRecord, parseRepomd } from '@coppice/rpm';
import { describe, expect, it } from 'vitest';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run } from '../../packages/coppice/src/coppice/main.ts';
import { missing, output, scratch, sharedRpms, withoutShared } from './rpm-support.ts';

const reason = missing('createrepo_c', 'mergerepo_c', 'modifyrepo_c');
const noTools = missing('unzck', 'zck_read_header');
const kinds = ['primary', 'filelists', 'other'] as const;

/** `coppice repo`, which must succeed. */
async function repo(...args: readonly string[]): Promise<void> {
  const stdout = memoryOutput();
  const stderr = memoryOutput();
  const context = { program: 'coppice', env: {}, cwd: '/', stdin: { isTTY: false }, stdout, stderr };
  const status = await run(context, ['repo', ...args]);
  if (status !== 0) throw new Error(`coppice repo ${args.join(' ')}: ${stderr.text}`);
}

function fill(dir: string, files: readonly string[], time = 1_700_000_000): string {
  mkdirSync(dir, { recursive: true });
  for (const file of files) {
    const to = join(dir, basename(file));
    copyFileSync(file, to);
    utimesSync(to, time, time);
  }
  return dir;
}

function file(dir: string, type: string): Buffer | undefined {
  const record = findRecord(parseRepomd(readFileSync(join(dir, 'repodata/repomd.xml'))), type);
  return record === undefined ? undefined : readFileSync(join(dir, record.href));
}

function content(dir: string, type: string): string | undefined {
  const bytes = file(dir, type);
  return bytes === undefined ? undefined : Buffer.from(decompressBytes(bytes, 'auto', 1e9)).toString();
}

/** The index without what depends on the time or on how well something was compressed. */
function shape(dir: string): string {
  return readFileSync(join(dir, 'repodata/repomd.xml'), 'utf8')
    .replace(/[0-9a-f]{40,}/g, 'SUM')
    .replace(/<(revision|timestamp|size|open-size|header-size)>\d+</g, '<$1>N<');
}

/** Schema and rows of a database. Folders of a package are in no particular order in the original's. */
function rows(dir: string, kind: string): Record<string, unknown> {
  const plain = join(scratch(), 'db.sqlite');
  writeFileSync(plain, decompressBytes(file(dir, `${kind}_db`)!, 'auto', 1e9));
  const db = new DatabaseSync(plain, { readOnly: true });
  try {
    const schema = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master').all();
    const out: Record<string, unknown> = { schema, check: db.prepare('PRAGMA integrity_check').all() };
    for (const { type, name } of schema) {
      if (type !== 'table') continue;
      const list = db
        .prepare(`SELECT * FROM ${String(name)}`)
        .all()
        .map((row) => JSON.stringify(row));
      out[String(name)] = name === 'filelist' ? list.sort() : name === 'db_info' ? list.length : list;
    }
    return out;
  } finally {
    db.close();
  }
}

function same(theirs: string, ours: string, what: string, databases: boolean): void {
  for (const kind of kinds) expect(content(ours, kind), `${what}: ${kind}`).toBe(content(theirs, kind));
  if (databases) for (const kind of kinds) expect(rows(ours, kind), `${what}: ${kind}`).toEqual(rows(theirs, kind));
}

describe.skipIf(reason !== undefined || sharedRpms.length === 0)(
  `beside the documents${reason === undefined ? withoutShared : ` (skipped: ${reason})`}`,
  () => {
    it('stand the same databases and volumes, and the same digests are kept', async () => {
      const [theirs, ours] = [fill(join(scratch(), 'r'), sharedRpms), fill(join(scratch(), 'r'), sharedRpms)];
      for (const flags of [
        ['--database'],
        ['--database', '--compress-type=xz', '--simple-md-filenames', '--local-sqlite'],
        ['--database', '--baseurl=/a/b', '--cachedir=cache'],
        ['--database', '--update', '--cachedir=cache'],
      ]) {
        output('createrepo_c', ['--quiet', ...flags, theirs]);
        await repo('create', '--quiet', ...flags, ours);
        same(theirs, ours, flags.join(' '), true);
        expect(shape(ours), flags.join(' ')).toBe(shape(theirs));
      }
      const digests = (dir: string): string[][] =>
        readdirSync(join(dir, 'cache'))
          .sort()
          .map((name) => [name, readFileSync(join(dir, 'cache', name), 'utf8')]);
      expect(digests(ours)).toEqual(digests(theirs));

      const half = Math.floor(sharedRpms.length / 2);
      for (const flags of [[], ['--baseurl=http://x/y']]) {
        const volumes = [scratch(), scratch()].map((dir) => [
          fill(join(dir, 'one'), sharedRpms.slice(0, half)),
          fill(join(dir, 'two'), sharedRpms.slice(half)),
        ]);
        output('createrepo_c', ['--quiet', '--split', '--database', ...flags, ...volumes[0]!]);
        await repo('create', '--quiet', '--split', '--database', ...flags, ...volumes[1]!);
        same(volumes[0]![0]!, volumes[1]![0]!, `split ${flags.join(' ')}`, true);
      }
    }, 60_000);

    it.skipIf(noTools !== undefined)(
      `zchunk files are cut in the same places, and the tools of zchunk read them${noTools === undefined ? '' : ` (skipped: ${noTools})`}`,
      async () => {
        const [theirs, ours] = [fill(join(scratch(), 'r'), sharedRpms), fill(join(scratch(), 'r'), sharedRpms)];
        const dictionaries = scratch();
        writeFileSync(join(dictionaries, 'primary.xml.zdict'), dictionaryText());
        for (const flags of [['--zck'], ['--zck', `--zck-dict-dir=${dictionaries}`]]) {
          output('createrepo_c', ['--quiet', '--no-database', ...flags, theirs]);
          await repo('create', '--quiet', ...flags, ours);
          expect(shape(ours)).toBe(shape(theirs));
          for (const kind of kinds) {
            const cuts = (dir: string): string[] => {
              const path = join(scratch(), 'x.zck');
              writeFileSync(path, file(dir, `${kind}_zck`)!);
              expect(output('unzck', ['-c', path]).toString()).toBe(content(dir, kind));
              const lines = output('zck_read_header', ['-c', path]).toString().split('\n');
              return lines
                .map((line) => /^\s*\d+ [0-9a-f]{32}\s+\d+\s+\d+\s+(\d+)$/.exec(line)?.[1] ?? '')
                .filter(Boolean);
            };
            const found = cuts(ours);
            expect(found.length, kind).toBeGreaterThan(10);
            expect(found, kind).toEqual(cuts(theirs));
          }
        }
      },
      60_000,
    );
  },
);

/** Text like that of the documents. */
function dictionaryText(): string {
  return '<package type="rpm">\n  <arch>x86_64</arch>\n  <version epoch="0" ver="1.0" rel="1"/>\n</package>\n'.repeat(
    8,
  );
}

describe.skipIf(reason !== undefined || sharedRpms.length === 0)(
  `several repositories${reason === undefined ? withoutShared : ` (skipped: ${reason})`}`,
  () => {
    const named = (...starts: readonly string[]): string[] =>
      sharedRpms.filter((path) => starts.some((start) => basename(path).startsWith(start)));

    it('are merged as mergerepo_c does', async () => {
      const dir = scratch();
      const comps = join(dir, 'comps.xml');
      writeFileSync(comps, '<comps><group><id>core</id></group></comps>\n');
      const [a, b, c] = [
        fill(join(dir, 'a'), named('Archer', 'Rimmer', 'hello-2.0-1.x86_64.rpm', 'hello-1')),
        fill(join(dir, 'b'), named('Archer', 'hello-2.0-1.i686', 'hello-1', 'luafork-1.0-1.noarch'), 1_700_000_500),
        fill(join(dir, 'c'), named('fake', 'super', 'hello-2.0-1.i686.rpm')),
      ];
      output('createrepo_c', ['--quiet', '--no-database', a!]);
      output('createrepo_c', ['--quiet', '--no-database', '-g', comps, b!]);
      output('createrepo_c', ['--quiet', '--no-database', c!]);
      writeFileSync(join(dir, 'blocked'), 'hello\n');
      const [theirs, ours] = [join(dir, 'theirs'), join(dir, 'ours')];
      for (const [flags, differs] of [
        [[]],
        [['--all', '--omit-baseurl']],
        [['--method=ts']],
        [['--method=nvr', '--compress-type=xz']],
        [['-a', 'x86_64,noarch', '--noupdateinfo']],
        [['-a', 'x86_64', '--arch-expand']],
        [['-k', '-a', 'x86_64']],
        [['-k', '-a', 'x86_64', '-b', join(dir, 'blocked')]],
        // The number of packages in the original's document is too small.
        [['-k', '--simple', '-a', 'x86_64'], true],
        [['--pkgorigins']],
        [['--noarch-repo', b!, '-g', comps]],
        [['--repo-prefix-search', dir, '--repo-prefix-replace', 'http://x']],
      ] as [string[], true?][]) {
        const places = ['-r', a!, '-r', b!, '-r', c!];
        output('mergerepo_c', ['-d', ...flags, ...places, '-o', theirs]);
        await repo('merge', '-d', ...flags, ...places, '-o', ours);
        const what = flags.join(' ');
        if (differs) {
          const plain = (at: string): string => content(at, 'primary')!.replace(/ packages="\d+"/, '');
          expect(plain(ours)).toBe(plain(theirs));
          continue;
        }
        same(theirs, ours, what, true);
        expect(shape(ours), what).toBe(shape(theirs));
        for (const type of ['group', 'updateinfo', 'origin']) {
          const lines = (at: string): string[] | undefined => content(at, type)?.split('\n').sort();
          expect(lines(ours), `${what}: ${type}`).toEqual(lines(theirs));
        }
      }
    }, 120_000);

    it('are modified as modifyrepo_c does', async () => {
      const dir = scratch();
      const theirs = fill(join(dir, 'theirs'), named('Archer'));
      output('createrepo_c', ['--quiet', '--database', '--zck', theirs]);
      const ours = join(dir, 'ours');
      cpSync(theirs, ours, { recursive: true });
      const at = (name: string, text: string): string => {
        writeFileSync(join(dir, name), text);
        return join(dir, name);
      };
      const [zz, aa] = [at('zz.xml', '<z/>\n'), at('aa.txt', 'a\n')];
      const packed = join(dir, 'pp.xml.gz');
      writeFileSync(packed, output('gzip', ['-c', zz]));
      const list = `[${zz}]\ntype=batch\n[second]\npath=${aa}\ncompress=false\nunique-md-filenames=false\n[q]\nremove=true\n`;
      for (const flags of [
        [zz],
        [aa],
        [zz],
        [packed],
        ['--mdtype', 'q', '--no-compress', aa],
        ['--mdtype', 'zk', '--zck', aa],
        ['--mdtype', 'n', '--compress-type', 'xz', '--new-name', 'nn.gz', '-s', 'sha512', zz],
        ['--mdtype', 's', '--simple-md-filenames', packed],
        ['--mdtype', 'u', '--no-compress', packed],
        ['--remove', 'none'],
        ['--remove', 's'],
        ['--remove', 'primary_zck'],
        ['--batchfile', at('list', list)],
      ]) {
        output('modifyrepo_c', [...flags, join(theirs, 'repodata')]);
        await repo('modify', ...flags, join(ours, 'repodata'));
        expect(shape(ours), flags.join(' ')).toBe(shape(theirs));
        const names = (at: string): string[] =>
          readdirSync(join(at, 'repodata'))
            .map((name) => name.replace(/[0-9a-f]{40,}/, 'SUM'))
            .sort();
        expect(names(ours), flags.join(' ')).toEqual(names(theirs));
      }
      for (const type of ['zz', 'aa', 'pp', 'batch', 'n', 'u', 'zk'])
        expect(content(ours, type), type).toBe(content(theirs, type));
    }, 60_000);
  },
);
