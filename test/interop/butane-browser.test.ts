// The translator in a real browser (headless Chromium): what it makes there must be what the original made.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caseFile, caseNames } from './config-corpus.ts';

const root = resolve(import.meta.dirname, '../..');
const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
// Cases without flags and files: what the page can do as it is.
const names = (caseNames('butane', 'quick') ?? []).filter(
  (name) => caseFile('butane', name, 'args')?.toString().trim() === 'in.bu',
);

let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'coppice-browser-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Runs a module in a page; its text is what the module wrote into the document. */
async function runInPage(source: string): Promise<string> {
  await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['source'],
    outfile: join(work, 'page.js'),
    logLevel: 'error',
  });
  writeFileSync(
    join(work, 'page.html'),
    '<!doctype html><meta charset="utf-8"><pre id="out"></pre><script src="page.js"></script>',
  );
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${work}/profile`,
  ];
  const page = spawnSync(browser!, [...flags, '--dump-dom', `file://${work}/page.html`], {
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 64 << 20,
  });
  return /<pre id="out">([\s\S]*?)<\/pre>/.exec(page.stdout)?.[1] ?? `no page: ${page.stderr}`;
}

describe.skipIf(browser === undefined)('butane in Chromium (skipped without it)', () => {
  it('translates and checks a config', async () => {
    const out = await runInPage(`
      import { decompile, lint, translate } from '@coppice/butane';
      const text = 'variant: fcos\\nversion: 1.5.0\\nstorage:\\n  files:\\n    - path: /etc/a\\n      mode: 0644\\n      contents: {inline: "${'x'.repeat(300)}"}\\n';
      const done = translate(text);
      const back = decompile(new TextEncoder().encode(done.ignition));
      document.getElementById('out').textContent = JSON.stringify([
        typeof globalThis.process, done.diagnostics, JSON.parse(done.ignition).storage.files[0].contents.compression,
        translate(back.butane).ignition === done.ignition, lint(new TextEncoder().encode(text)).diagnostics.length,
      ]);`);
    expect(JSON.parse(out)).toEqual(['undefined', [], 'gzip', true, 0]);
  });

  it.skipIf(names.length === 0)(`gives the recorded answers of ${names.length} cases`, async () => {
    const inputs = names.map((name) => caseFile('butane', name, 'in.bu')!.toString('base64'));
    const out = await runInPage(`
      import { translateBytes } from '@coppice/butane';
      const inputs = ${JSON.stringify(inputs)};
      const hex = (text) => Array.from(new TextEncoder().encode(text), (b) => b.toString(16).padStart(2, '0')).join('');
      document.getElementById('out').textContent = inputs
        .map((each) => hex(translateBytes(Uint8Array.from(atob(each), (c) => c.charCodeAt(0))).output ?? ''))
        .join(',');`);
    const got = out.split(',').map((each) => Buffer.from(each, 'hex').toString());
    names.forEach((name, i) => {
      const want = caseFile('butane', name, 'stdout')?.toString() ?? '';
      expect(got[i] === '' ? '' : `${got[i]}\n`, name).toBe(want);
    });
  });
});
