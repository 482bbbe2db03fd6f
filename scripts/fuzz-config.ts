// Mutated configs of all variants, and Ignition configs, through the translator, the reports, the checks, the comparison, and
// the way back: nothing may throw, take long or need much memory.
//   node --conditions=source scripts/fuzz-config.ts [--count 20000] [--seed 1]
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { decompile, lint, plainReport, prettyReport, translateBytes } from '@coppice/butane';
import { child, compareEffects, effectsOf, embeddedText, type Fields, parseConfig } from '@coppice/ignition';
import { mutate, randomOf } from '../packages/butane/test/mutate.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '20000' }, seed: { type: 'string', default: '1' } },
});
const shared = process.env['COPPICE_SHARED'] ?? resolve(import.meta.dirname, '../../shared');
const seeds: Uint8Array[] = [];
for (const corpus of ['butane', 'ignition']) {
  const dir = join(shared, 'corpus', corpus);
  if (!existsSync(dir)) continue;
  for (const name of readdirSync(dir).sort())
    for (const file of ['in.bu', 'config.ign', 'in.ign']) {
      const path = join(dir, name, file);
      if (existsSync(path)) seeds.push(readFileSync(path));
    }
}
const examples = resolve(import.meta.dirname, '../examples');
for (const name of readdirSync(examples, { recursive: true, encoding: 'utf8' }).sort())
  if (/\.(bu|yaml)$/.test(name)) seeds.push(readFileSync(join(examples, name)));

const count = Number(values.count);
const random = randomOf(Number(values.seed));
let slowest = 0;
let good = 0;
let before: Fields = {};
const local = new TextEncoder().encode('[Service]\nExecStart=/bin/true\n');
for (let n = 0; n < count; n++) {
  const seed = seeds[Math.floor(random() * seeds.length)]!;
  const other = seeds[Math.floor(random() * seeds.length)]!;
  const bytes = mutate(seed, random, other);
  const start = performance.now();
  try {
    const done = translateBytes(bytes, {
      pretty: random() < 0.5,
      debug: random() < 0.2,
      raw: random() < 0.2,
      // Local files are there half of the time.
      ...(random() < 0.5 ? { resolveFile: () => local } : {}),
    });
    prettyReport(done.entries, 'in.bu', bytes, random() < 0.5);
    plainReport(done.entries);
    if (done.output !== undefined) {
      good++;
      decompile(new TextEncoder().encode(done.output));
    }
    const parsed = parseConfig(bytes);
    if (parsed.config !== undefined) decompile(bytes);
    const config = done.config ?? parsed.config;
    if (config !== undefined) {
      for (const effect of effectsOf(config)) embeddedText(child(effect.value, 'contents'));
      compareEffects(before, config);
      before = config;
    }
    lint(bytes);
  } catch (error) {
    console.error(`mutation ${n} of seed ${values.seed} throws: ${(error as Error).stack}`);
    console.error(JSON.stringify(new TextDecoder().decode(bytes)).slice(0, 2000));
    process.exitCode = 1;
    break;
  }
  slowest = Math.max(slowest, performance.now() - start);
}
const peak = process.resourceUsage().maxRSS / 1024;
console.log(
  `${count} mutations of ${seeds.length} configs: ${good} still translate, slowest ${slowest.toFixed(0)} ms, peak ${peak.toFixed(0)} MB`,
);
if (slowest > 5000 || peak > 300) process.exitCode = 1;
