import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const index = new URL('../src/index.ts', import.meta.url).href;

/** O_NONBLOCK, as the program found it that shares its output, a pipe, with one that ended by `endProcess` after `before`. */
function nonBlockingAfter(before: string): boolean {
  const first = `import { endProcess, loadKoffi } from ${JSON.stringify(index)}; loadKoffi(); ${before}; endProcess();`;
  const second =
    "const { readFileSync, writeSync } = require('node:fs'); writeSync(2, readFileSync('/proc/self/fdinfo/1'))";
  const node = (...args: readonly string[]): string => [process.execPath, ...args].map((arg) => `'${arg}'`).join(' ');
  const quoted = (text: string): string => text.replaceAll("'", "'\\''");
  const line = `( ${node('--conditions=source', '--input-type=module', '-e', quoted(first))}; ${node('-e', quoted(second))} ) | cat`;
  const said = /^flags:\t([0-7]+)$/m.exec(spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stderr);
  return (Number.parseInt(said![1]!, 8) & 0o4000) !== 0;
}

// The state of open files is Linux's `/proc`.
test.skipIf(process.platform !== 'linux').each([
  ['nothing was written', ''],
  ['Node wrote to it', "process.stdout.write('x\\n')"],
])('an output stays as it was when %s', (_name, before) => {
  expect(nonBlockingAfter(before)).toBe(false);
});
