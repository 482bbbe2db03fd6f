import {
  compareEffects,
  configSchema,
  decodeDataUrl,
  downgradeConfig,
  entryLine,
  escapeData,
  greatestNeed,
  marshalConfig,
  mergeConfigs,
  parseConfig,
  specVersions,
  upgradeConfig,
} from '@coppice/ignition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): NonNullable<ReturnType<typeof parseConfig>['config']> => {
  const parsed = parseConfig(bytes(text));
  expect(parsed.report.entries.filter((entry) => entry.severity === 'error').map(entryLine)).toEqual([]);
  return parsed.config!;
};

describe('parseConfig', () => {
  it('answers any text', () => {
    const json = fc.json({ maxDepth: 4 });
    fc.assert(
      fc.property(
        fc.oneof(
          json,
          fc.string(),
          json.map((text) => `{"ignition":{"version":"3.4.0"},"storage":${text}}`),
        ),
        (text) => {
          parseConfig(bytes(text));
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it('survives depth', () => {
    const deep = '['.repeat(200_000);
    expect(parseConfig(bytes(deep)).config).toBeUndefined();
    expect(parseConfig(bytes(`{"a":${deep}`)).config).toBeUndefined();
  });

  it('knows the versions', () => {
    for (const version of specVersions)
      expect(parseConfig(bytes(`{"ignition":{"version":"${version}"}}`)).config).toBeDefined();
    for (const version of ['2.2.0', '3.7.0', '3.8.0', '4.0.0', 'x', ''])
      expect(parseConfig(bytes(`{"ignition":{"version":"${version}"}}`)).failure).toBeDefined();
  });
});

describe('between versions', () => {
  const full = parse(
    '{"ignition":{"version":"3.2.0"},"storage":{"links":[{"path":"/a","target":"/b"}],"files":[{"path":"/f","mode":420,"contents":{"source":"data:,x"}}]}}',
  );

  it('goes up and down again without a loss', () => {
    const up = upgradeConfig(full, 2, 7);
    expect(marshalConfig(downgradeConfig(up, 7, 2), configSchema(2))).toBe(marshalConfig(full, configSchema(2)));
  });

  it('names what a lower version cannot say', () => {
    const kernel = parse('{"ignition":{"version":"3.3.0"},"kernelArguments":{"shouldExist":["a"]}}');
    expect(() => downgradeConfig(kernel, 3, 2)).toThrow(/^kernelArguments/);
  });

  it('special mode bits mean nothing before 3.6', () => {
    const old = parse('{"ignition":{"version":"3.5.0"},"storage":{"files":[{"path":"/f","mode":2541}]}}');
    expect(marshalConfig(upgradeConfig(old, 5, 6), configSchema(6))).toContain(`"mode":${2541 & 0o777}`);
  });
});

describe('merging', () => {
  it('merges lists by key, the child winning', () => {
    const of = (text: string): ReturnType<typeof parse> =>
      parse(`{"ignition":{"version":"3.3.0"},"storage":{"files":[${text}]}}`);
    const merged = mergeConfigs(
      of('{"path":"/a","mode":420},{"path":"/b","mode":420}'),
      of('{"path":"/b","mode":384},{"path":"/c"}'),
      configSchema(3),
    );
    expect(marshalConfig(merged, configSchema(3))).toContain(
      '"files":[{"path":"/a","mode":420},{"path":"/b","mode":384},{"path":"/c"}]',
    );
  });

  it('with an empty config changes nothing', () => {
    const empty = parse('{"ignition":{"version":"3.3.0"}}');
    const some = parse('{"ignition":{"version":"3.3.0"},"passwd":{"users":[{"name":"a","sshAuthorizedKeys":["k"]}]}}');
    for (const merged of [mergeConfigs(empty, some, configSchema(3)), mergeConfigs(some, empty, configSchema(3))])
      expect(marshalConfig(merged, configSchema(3))).toBe(marshalConfig(some, configSchema(3)));
  });
});

describe('data URLs', () => {
  it('escape and decode', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        expect(decodeDataUrl(`data:,${escapeData(data)}`)).toEqual(data);
      }),
      { seed: 1 },
    );
  });
});

describe('effects', () => {
  const of = (text: string): ReturnType<typeof parse> =>
    upgradeConfig(parse(`{"ignition":{"version":"3.3.0"},${text}}`), 3, 7);
  it('tells what a change needs', () => {
    const need = (before: string, after: string): string => greatestNeed(compareEffects(of(before), of(after)));
    const file = (source: string): string => `"storage":{"files":[{"path":"/a","contents":{"source":"${source}"}}]}`;
    expect(need(file('data:,x'), file('data:;base64,eA=='))).toBe('nothing');
    expect(need(file('data:,x'), file('data:,y'))).toBe('reboot');
    expect(need('"passwd":{}', '"passwd":{"users":[{"name":"a"}]}')).toBe('nothing');
    expect(need('"passwd":{"users":[{"name":"a","uid":1}]}', '"passwd":{"users":[{"name":"a","uid":2}]}')).toBe(
      're-provision',
    );
    expect(need('"storage":{}', '"storage":{"disks":[{"device":"/dev/vdb","wipeTable":true}]}')).toBe('re-provision');
  });
});
