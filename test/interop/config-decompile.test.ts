// Every Ignition config of the corpus as a Butane config and back: the same meaning always, the same bytes nearly always.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decompile, firstDifference, translate } from '@coppice/butane';
import { parseConfig } from '@coppice/ignition';
import { describe, expect, it } from 'vitest';

const shared = join(process.env['COPPICE_SHARED'] ?? resolve(import.meta.dirname, '../../../shared'), 'corpus');

/** Valid configs: what the original made of its cases, and the valid ones among those for its validator. */
function configs(): [name: string, bytes: Uint8Array][] {
  const found: [string, Uint8Array][] = [];
  for (const [corpus, file] of [
    ['butane', 'stdout'],
    ['ignition', 'in.ign'],
  ] as const)
    for (const name of readdirSync(join(shared, corpus)).sort()) {
      const path = join(shared, corpus, name, file);
      if (!existsSync(path)) continue;
      const bytes = readFileSync(path);
      if (bytes[0] !== 0x7b) continue;
      const parsed = parseConfig(bytes, '2.26');
      if (parsed.config !== undefined && !parsed.report.fatal) found.push([`${corpus}/${name}`, bytes]);
    }
  return found;
}

describe.skipIf(!existsSync(shared))('decompile over the corpus (skipped where COPPICE_SHARED is absent)', () => {
  it('comes back with the same meaning', () => {
    let same = 0;
    const all = configs();
    for (const [name, bytes] of all) {
      const { butane, diagnostics } = decompile(bytes);
      expect(butane, `${name}: ${JSON.stringify(diagnostics)}`).toBeDefined();
      const again = translate(butane!, { pretty: bytes.includes(10, 0) && bytes.indexOf(10) < bytes.length - 1 });
      const config = parseConfig(bytes, '2.26').config!;
      // Versions are normalised: 03.4.0 is 3.4.0.
      const version = (config['ignition'] as { version: string }).version;
      if (/^3\.\d+\.\d+(-experimental)?$/.test(version))
        expect(firstDifference(again.config!, config), name).toBeUndefined();
      if (name.startsWith('butane/') && `${again.ignition}\n` === new TextDecoder().decode(bytes)) same++;
    }
    const made = all.filter(([name]) => name.startsWith('butane/')).length;
    expect(made).toBeGreaterThan(500);
    expect(same / made).toBeGreaterThan(0.95);
  });
});
