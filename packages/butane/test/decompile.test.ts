import { allSpecs, buildConfig, decompile, firstDifference, translate } from '@coppice/butane';
import { encodeBase64, gzipBest } from '@coppice/ignition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('decompile', () => {
  it('chooses the version with the same Ignition spec', () => {
    const of = (version: string): string | undefined =>
      decompile(bytes(`{"ignition":{"version":"${version}"}}`)).butane?.split('\n')[1];
    expect(of('3.0.0')).toBe('version: 1.0.0');
    expect(of('3.2.0')).toBe('version: 1.3.0');
    expect(of('3.5.0')).toBe('version: 1.6.0');
  });

  it('shows compressed text and keeps its hash', () => {
    const packed = encodeBase64(gzipBest(bytes('long\n'.repeat(100))));
    const of = (more: string): string =>
      decompile(
        bytes(
          `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","contents":{"compression":"gzip","source":"data:;base64,${packed}"${more}}}]}}`,
        ),
      ).butane ?? '';
    expect(of('')).toContain('inline: |\n          long\n');
    expect(of(`,"verification":{"hash":"sha256-${'0'.repeat(64)}"}`)).toMatch(/inline: [\s\S]*hash: sha256-/);
  });

  it('keeps the meaning of any file', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 0, max: 0o777 }),
        fc.boolean(),
        (inline, mode, overwrite) => {
          const first = translate(
            buildConfig({
              variant: 'fcos',
              version: '1.6.0',
              storage: {
                files: [
                  { path: '/etc/a', mode, overwrite, contents: { inline: inline.toWellFormed().replace(/\0/g, '') } },
                ],
              },
            }),
          );
          const back = decompile(bytes(first.ignition!));
          expect(back.butane).toBeDefined();
          expect(firstDifference(translate(back.butane!).config, first.config)).toBeUndefined();
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });

  it('leaves sources that no encoder made as they are, beside those that one made', () => {
    const config =
      '{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","contents":{"compression":"","source":"data:,a"}},{"path":"/b","contents":{"source":"data:,b%21"}}]}}';
    const back = decompile(bytes(config)).butane!;
    expect(back).toContain('inline: a');
    expect(back).toContain('source: data:,b%21');
    expect(translate(back).ignition).toBe(config);
  });

  it('puts sources written by hand inline when there are no others', () => {
    const config =
      '{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/b","contents":{"source":"data:,b%21"}}]}}';
    expect(decompile(bytes(config)).butane).toContain('inline: b!');
  });

  it('keeps a faulty config that is merged as a source, since nobody checks it there', () => {
    const config = `{"ignition":{"config":{"merge":[{"compression":"","source":"data:,${encodeURIComponent('{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"a"}]}}')}"}]},"version":"3.4.0"}}`;
    const back = decompile(bytes(config)).butane!;
    expect(back).toContain('source: data:');
    expect(translate(back).ignition).toBe(config);
  });

  it('unwraps a MachineConfig', () => {
    const config = {
      apiVersion: 'machineconfiguration.openshift.io/v1',
      kind: 'MachineConfig',
      metadata: { name: 'x', labels: { 'machineconfiguration.openshift.io/role': 'worker' } },
      spec: { config: { ignition: { version: '3.4.0' } }, fips: true, kernelArguments: ['quiet'] },
    };
    expect(decompile(bytes(JSON.stringify(config))).butane).toBe(
      'variant: openshift\nversion: 4.18.0\nmetadata:\n  name: x\n  labels:\n    machineconfiguration.openshift.io/role: worker\nopenshift:\n  fips: true\n  kernel_arguments:\n    - quiet\n',
    );
  });

  it('goes from openshift to a MachineConfig in YAML and back', () => {
    const source =
      'variant: openshift\nversion: 4.14.0\nmetadata:\n  name: x\n  labels:\n    machineconfiguration.openshift.io/role: worker\nstorage:\n  files:\n    - path: /etc/a\n      mode: 0644\n      contents:\n        inline: |\n          yes\n          no\n';
    const made = translate(source).ignition!;
    const back = decompile(bytes(made));
    expect(back.diagnostics).toEqual([]);
    expect(translate(back.butane!).ignition).toBe(made);
  });

  it('says what is lost in a lower version', () => {
    const done = decompile(bytes('{"ignition":{"version":"3.4.0"},"kernelArguments":{"shouldExist":["a"]}}'), {
      version: '1.1.0',
    });
    expect(done.butane).toBeUndefined();
    expect(done.diagnostics.at(-1)?.message).toContain('kernelArguments');
  });

  it('refuses what is no config', () => {
    for (const text of ['', '{', '[]', '{}', '{"ignition":{"version":"9.0.0"}}'])
      expect(decompile(bytes(text)).butane, text).toBeUndefined();
  });

  it('knows all variants', () => {
    expect(new Set(allSpecs().map((spec) => spec.variant)).size).toBe(5);
  });
});
