import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lint, translate } from '@coppice/butane';
import { describe, expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '../../../examples');
const names = readdirSync(folder).filter((name) => name.endsWith('.bu'));

describe('the examples', () => {
  it.each(names)('%s translates without a finding', (name) => {
    const bytes = readFileSync(join(folder, name));
    expect(translate(bytes).diagnostics).toEqual([]);
    expect(translate(bytes).ignition).toBeDefined();
    expect(lint(bytes).diagnostics).toEqual([]);
  });
});
