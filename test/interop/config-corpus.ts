// Recorded cases of butane and ignition-validate with the originals' answers, run in-process. The cases lie outside the
// repository; see docs/config.md.
import { cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run as runButane } from '../../packages/coppice/src/butane/main.ts';
import { memoryOutput } from '../../packages/coppice/src/cli/context.ts';
import { run as runIgnitionValidate } from '../../packages/coppice/src/ignition-validate/main.ts';

export type Corpus = 'butane' | 'ignition';

const root = resolve(import.meta.dirname, '../..');
const home = join(process.env['COPPICE_SHARED'] ?? join(root, '../shared'), 'corpus');

/** Names of the cases on a list (`all` or `quick`); undefined when the corpus is not there. */
export function caseNames(corpus: Corpus, list: 'all' | 'quick'): string[] | undefined {
  const path = join(home, corpus, `${list}.txt`);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : undefined;
}

/** Bytes of a file of a case, undefined when it has none. */
export function caseFile(corpus: Corpus, name: string, file: string): Buffer | undefined {
  const path = join(home, corpus, name, file);
  return existsSync(path) ? readFileSync(path) : undefined;
}

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly rc: string;
  /** What was written to `out.tmp`. */
  readonly outfile: string;
}

/** The recorded answer and ours, bytes as Latin-1; lines the original prints in any order are sorted. */
export function runCase(corpus: Corpus, name: string): { readonly want: Answer; readonly got: Answer } {
  const dir = join(home, corpus, name);
  const read = (file: string): string =>
    existsSync(join(dir, file)) ? readFileSync(join(dir, file), 'latin1').toString() : '';
  let words = read('args').trim().split(/\s+/).filter(Boolean);
  let input: Uint8Array = new Uint8Array(0);
  const from = words.indexOf('<');
  if (from >= 0) {
    input = readFileSync(join(dir, words[from + 1]!));
    words = words.slice(0, from);
  }
  const lost = lostEntries(join(dir, 'files'));
  const writes = words.some((word) => word.includes('out.tmp'));
  const temp = writes || lost.length > 0 ? mkdtempSync(join(tmpdir(), 'coppice-case-')) : undefined;
  try {
    let cwd = dir;
    if (temp !== undefined) {
      cwd = join(temp, 'case');
      cpSync(dir, cwd, { recursive: true, verbatimSymlinks: true });
      for (const entry of lost) restore(join(cwd, 'files', entry));
    }
    const stdout = memoryOutput();
    const stderr = memoryOutput();
    const context = { program: corpus === 'butane' ? 'butane' : 'ignition-validate', env: { NO_COLOR: '' }, cwd };
    const streams = { stdin: { isTTY: false }, stdout, stderr };
    const run = corpus === 'butane' ? runButane : runIgnitionValidate;
    const rc = run({ ...context, ...streams }, words, () => input);
    const written = join(cwd, 'out.tmp');
    const order = (text: string, mark: string): string =>
      existsSync(join(dir, mark)) ? text.split('\n').sort().join('\n') : text;
    const usage = (text: string): string =>
      text.replace(/^ {2}\S+ \[flags\] config\.ign/m, '  PROGRAM [flags] config.ign');
    return {
      want: {
        stdout: order(read('stdout'), 'unordered-stdout'),
        stderr: order(usage(read('stderr')), 'unordered'),
        rc: read('rc').trim(),
        outfile: writes ? read('outfile') : '',
      },
      got: {
        stdout: order(stdout.bytes.toString('latin1'), 'unordered-stdout'),
        stderr: order(usage(stderr.bytes.toString('latin1')), 'unordered'),
        rc: String(rc),
        outfile: writes && existsSync(written) ? readFileSync(written, 'latin1') : '',
      },
    };
  } finally {
    if (temp !== undefined) rmSync(temp, { recursive: true, force: true });
  }
}

// Files that are named like links and are none.
const noLinks = ['tree2/link', 'tree4/link-partial'];

/**
 * The cases were stored without symbolic links: a link is a file that holds its target. Those that are links by their name
 * are made again in a copy of the case.
 */
function lostEntries(files: string): string[] {
  if (!existsSync(files)) return [];
  return readdirSync(files, { recursive: true, encoding: 'utf8' }).filter((path) => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const stat = lstatSync(join(files, path));
    if (!stat.isFile() || noLinks.includes(path)) return false;
    return /link|ln$|^l$|^up$/.test(name) && stat.size < 256 && !readFileSync(join(files, path)).includes(10);
  });
}

function restore(path: string): void {
  const target = readFileSync(path, 'utf8');
  rmSync(path);
  symlinkSync(target, path);
}
