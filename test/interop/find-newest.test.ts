// Several remotes that have the same refs: which commit counts, in which order they are named and pulled from.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Variant, VariantDict } from '@coppice/gvariant';
import { decodeSummary, encodeSummary, type SummaryRef } from '@coppice/ostree';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const ours = join(import.meta.dirname, '../../bin/ostree');
const collection = 'org.example.Coll';

describe.skipIf(skipReason !== undefined)(`the newest of several remotes (${skipReason ?? 'ostree found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);
  const repo = (name: string): string => `--repo=${at(name)}`;

  /** Rewrites what a summary says of its refs. */
  function retell(name: string, change: (ref: SummaryRef) => SummaryRef): void {
    const summary = decodeSummary(Uint8Array.from(readFileSync(at(`${name}/summary`))));
    writeFileSync(at(`${name}/summary`), encodeSummary({ ...summary, refs: summary.refs.map(change) }));
  }

  beforeAll(() => {
    mkdirSync(at('tree'));
    mkdirSync(at('gpg'), { mode: 0o700 });
    const gpg = (...args: string[]) =>
      spawnSync('gpg', ['--homedir', at('gpg'), '--batch', '--passphrase', '', ...args], { encoding: 'utf8' }).stdout;
    gpg('--quick-gen-key', 'Newest <newest@example.com>', 'rsa2048');
    const key = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--list-keys', '--with-colons'))![1]!;
    gpg('--output', at('key.gpg'), '--export');
    const make = (name: string): string =>
      originalOutput('init', repo(name), '--mode=archive', `--collection-id=${collection}`);
    const commit = (ref: string, time: number): void => {
      writeFileSync(at('tree/file'), `${ref} ${time}\n`);
      const sign = [`--gpg-sign=${key}`, `--gpg-homedir=${at('gpg')}`];
      originalOutput(repo('all'), 'commit', '-b', ref, `--timestamp=@${time}`, ...sign, at('tree'));
    };
    const copy = (name: string, ...refs: string[]): void => {
      make(name);
      originalOutput(repo(name), 'pull-local', at('all'), ...refs);
    };
    make('all');
    commit('app', 1_700_000_000);
    commit('lib', 1_700_000_000);
    copy('old', 'app', 'lib');
    commit('app', 1_700_000_100);
    copy('middle', 'app');
    commit('lib', 1_700_000_200);
    for (const name of ['liar', 'timeless', 'sizes']) copy(name, 'app', 'lib');
    const all = ['liar', 'timeless', 'sizes', 'middle', 'all', 'old'];
    // The order depends on the second in which a summary was made, so they are made to differ, the middle two excepted.
    for (const [i, name] of all.entries()) {
      originalOutput(repo(name), 'summary', '-u');
      const summary = decodeSummary(Uint8Array.from(readFileSync(at(`${name}/summary`))));
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(1_700_001_000 + (i === 4 ? 3 : i)));
      const metadata = VariantDict.from([...summary.metadata].map(([k, v]) => [k, v] as const));
      metadata.set('ostree.summary.last-modified', new Variant('t', time.readBigUInt64LE()));
      writeFileSync(at(`${name}/summary`), encodeSummary({ ...summary, metadata }));
    }
    retell('liar', (ref) => ({
      ...ref,
      metadata: VariantDict.from([['ostree.commit.timestamp', new Variant('t', 0x1234n << 40n)] as const]),
    }));
    retell('timeless', (ref) => ({ ...ref, metadata: VariantDict.from([]) }));
    retell('sizes', (ref) => ({ ...ref, commitSize: ref.commitSize + 1n }));
  });
  afterAll(() => {
    spawnSync('sh', ['-c', `gpgconf --homedir ${at('gpg')} --kill all`]);
    work.remove();
  });

  test.each([
    ['an older and a newer one', ['old', 'all']],
    ['each has something newest', ['middle', 'old']],
    ['the oldest has nothing newest', ['old', 'middle', 'all']],
    ['one tells another time for the same commit', ['all', 'liar']],
    ['one tells no time, another does', ['timeless', 'all']],
    ['nobody tells the time', ['timeless']],
    ['one tells another size', ['all', 'sizes']],
  ])('%s', (_name, remotes) => {
    const out = (program: string): string => {
      rmSync(at('client'), { recursive: true, force: true });
      originalOutput('init', repo('client'), '--mode=bare-user');
      for (const name of remotes) {
        const options = [`--collection-id=${collection}`, `--gpg-import=${at('key.gpg')}`];
        originalOutput(repo('client'), 'remote', 'add', ...options, name, `file://${at(name)}`);
      }
      const env = {
        ...process.env,
        LC_ALL: 'C.UTF-8',
        TZ: 'UTC',
        COPPICE_SOURCE: '1',
        COPPICE_COMPAT: 'ostree=2022.7',
      };
      const args = [repo('client'), 'find-remotes', '--finders=config', '--pull', collection, 'app', collection, 'lib'];
      const done = spawnSync(program, args, { encoding: 'utf8', env: { ...env, OSTREE_GPG_HOME: '/nonexistent' } });
      const refs = originalOutput(repo('client'), 'refs').trim().split('\n').sort();
      const revs = refs.map((ref) => `${ref} ${ref === '' ? '' : originalOutput(repo('client'), 'rev-parse', ref)}`);
      return `${done.status}\n${done.stdout}${done.stderr}${revs.join('')}`;
    };
    expect(out(ours)).toBe(out('ostree'));
  });
});
