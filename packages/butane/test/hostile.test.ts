// Configs made to take much: each has a bound that is met long before memory or patience end.
import { decompile, lint, prettyReport, translate, translateBytes } from '@coppice/butane';
import { parseConfig } from '@coppice/ignition';
import { describe, expect, it } from 'vitest';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const head = 'variant: fcos\nversion: 1.5.0\n';
const failure = (body: string): string | undefined => translateBytes(bytes(head + body)).failure;

describe('hostile configs', () => {
  it('stops at more values than an instance can take', () => {
    for (const body of [
      `x: [${'a,'.repeat(500_000)}]`,
      `x: [${'[],'.repeat(500_000)}]`,
      `x: {${'a: 1,'.repeat(500_000)}}`,
    ])
      expect(failure(body)).toBe('Error unmarshaling yaml: yaml: document has more than 400000 values');
    const json = parseConfig(bytes(`{"ignition":{"version":"3.4.0"},"x":[${'1,'.repeat(500_000)}1]}`));
    expect(json.report.entries[0]?.message).toBe('more than 400000 values');
  });

  it('stops at aliases that multiply', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]\n`).join('');
    const bomb = `a0: &a0 [${'x,'.repeat(10)}]\n${levels}passwd: {users: [{name: a, groups: [*a9]}]}\n`;
    expect(failure(bomb)).toBeDefined();
    const long = `a: &a "${'k'.repeat(1_000_000)}"\npasswd: {users: [{name: core, groups: [${'*a,'.repeat(99)}]}]}\n`;
    expect(failure(long)).toBe('yaml: document contains excessive aliasing');
  });

  it('lists ten thousand errors of equal keys at most', () => {
    const lines = failure('k: 1\n'.repeat(20_000))!.split('\n');
    expect(lines.length).toBe(10_002);
    expect(lines[1]).toBe('  line 4: mapping key "k" already defined at line 3');
    expect(lines.at(-1)).toBe('  too many errors; the others are left out');
  });

  it('keeps ten thousand findings, and tells of an error among the others', () => {
    const files = `${'  - {path: /a, mode: 644}\n'.repeat(10_000)}  - path: b\n`;
    const { diagnostics } = translate(`${head}storage:\n  files:\n${files}`);
    expect(diagnostics.length).toBe(10_001);
    expect(diagnostics.at(-1)).toMatchObject({ code: 'too-many-findings', severity: 'error' });
  });

  it('prints no more than some megabytes about long lines', () => {
    const source = bytes(`${head}storage: {files: [${'{path: a},'.repeat(9_000)}]}\n`);
    const report = prettyReport(translateBytes(source).entries, 'in.bu', source, false);
    expect(report.length).toBeLessThan(20_000_000);
    expect(report).toMatch(/\d+ more findings are left out\n$/);
  });

  it('reads numbers of any length', () => {
    const digits = '1'.repeat(3_000_000);
    expect(failure(`storage: {files: [{path: /a, mode: ${digits}}]}`)).toContain('cannot unmarshal');
    const json = parseConfig(
      bytes(`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","mode":${digits}}]}}`),
    );
    expect(json.report.fatal).toBe(true);
  });

  it('answers deep nesting and broken bytes', () => {
    for (const text of [
      `${head}x: ${'['.repeat(200_000)}`,
      '['.repeat(200_000),
      '\0'.repeat(100_000),
      ': '.repeat(100_000),
    ]) {
      lint(bytes(text));
      decompile(bytes(text));
      expect(translateBytes(bytes(text)).output).toBeUndefined();
    }
  });
});
