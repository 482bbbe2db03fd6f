// main.cjs of the build: `main.cjs NAME ARGS...` runs the program's bundle, which is one file beside it. V8's compiled code
// is kept per command in `.cache`, so that a start neither parses nor compiles; the engine refuses what is not its own.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { constants, Script } from 'node:vm';

/** Program to its bundles, whose names contain a digest: those of verbs, `--` for calls without one, and '' for all others. */
declare const bundles: Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The one that leaves out what only other verbs need. The verb is the first word without a dash, or the first two words; `--`
 * stands for none.
 */
function bundleOf(program: string, args: readonly string[]): string | undefined {
  if (!Object.hasOwn(bundles, program)) return undefined;
  const files = bundles[program]!;
  const verb = args.find((word) => !word.startsWith('-')) ?? '--';
  const both = args.slice(0, 2).join(' ');
  return files[Object.hasOwn(files, both) ? both : Object.hasOwn(files, verb) ? verb : ''];
}

/** Not a program: a thread of one, started as this file with that name. */
const thread = 'ostree-helper';

/** Commands that only lead to others: code is kept for each of those. */
const groups = new Set(['admin', 'compose', 'db', 'instutil', 'override', 'remote', 'static-delta', 'repo', 'node']);

function cacheName(bundle: string, args: readonly string[]): string {
  // The engine takes only what was made under its flags, and the helping thread starts under those of several commands.
  const end = process.execArgv.includes('--no-rehash-snapshot') ? 'unseeded.code' : 'code';
  const words = args.filter((word) => /^[a-z][a-z-]{1,30}$/.test(word)).slice(0, 2);
  const first = args.find((word) => !word.startsWith('-'));
  if (words.length === 0 || first !== words[0]) return `${bundle}.${end}`;
  return `${bundle}.${groups.has(words[0]!) ? words.join('.') : words[0]}.${end}`;
}

function runBundle(bundle: string, args: readonly string[]): void {
  const file = `${__dirname}/${bundle}`;
  const cache = `${__dirname}/.cache/${cacheName(bundle, args)}`;
  // The bundle is ASCII: this reads it without decoding.
  const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`;
  let cachedData: Buffer | undefined;
  try {
    cachedData = readFileSync(cache);
  } catch {
    // The first time.
  }
  const script = new Script(text, {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // A thread may be stopped at any time, so it says when.
    if (name === thread) {
      const keepCompiledCode = (): void => {
        Reflect.deleteProperty(globalThis, 'keepCompiledCode');
        keepCode(script, cache);
      };
      Object.assign(globalThis, { keepCompiledCode });
    } else {
      process.on('exit', (status) => {
        if (status === 0) keepCode(script, cache);
      });
    }
  }
  script.runInThisContext()(exports, require, module, file, __dirname);
}

/** Functions that ran are in it, so it is made at the end. */
function keepCode(script: Script, cache: string): void {
  try {
    mkdirSync(`${__dirname}/.cache`, { recursive: true });
    const temporary = `${cache}.${process.pid}`;
    writeFileSync(temporary, script.createCachedData());
    renameSync(temporary, cache);
  } catch {
    // A build that may only be read starts slower.
  }
}

const [name = 'coppice', ...args] = process.argv.slice(2);
const bundle = bundleOf(name, args);
if (bundle === undefined) {
  process.stderr.write(`coppice: no program named ${JSON.stringify(name)}\n`);
  process.exitCode = 127;
} else {
  runBundle(bundle, args);
}
