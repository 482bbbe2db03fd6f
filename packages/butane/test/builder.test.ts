import { buildConfig, translate } from '@coppice/butane';
import { child, embeddedText, list } from '@coppice/ignition';
import { describe, expect, it } from 'vitest';

describe('buildConfig', () => {
  it('writes what the translator reads', () => {
    const text = buildConfig({
      variant: 'fcos',
      version: '1.5.0',
      passwd: { users: [{ name: 'core', ssh_authorized_keys: ['ssh-ed25519 AAAA'] }] },
      storage: { files: [{ path: '/etc/motd', mode: 0o640, contents: { inline: 'yes: "no"\n# two\n' } }] },
      boot_device: { luks: { tpm2: true } },
    });
    expect(text).toContain('mode: 0640');
    const done = translate(text);
    expect(done.diagnostics).toEqual([]);
    const file = list(child(done.config, 'storage'), 'files')[0]!;
    expect(file['mode']).toBe(0o640);
    expect(embeddedText(child(file, 'contents'))).toBe('yes: "no"\n# two\n');
  });

  it('types allow only what the variant and version have', () => {
    const text = buildConfig({
      variant: 'fcos',
      version: '1.0.0',
      // @ts-expect-error kernel arguments came with 1.4.0
      kernel_arguments: { should_exist: ['quiet'] },
    });
    expect(translate(text).diagnostics.map((each) => each.code)).toEqual(['unused-key']);
    buildConfig({
      variant: 'flatcar',
      version: '1.1.0',
      // @ts-expect-error only fcos and openshift have boot_device
      boot_device: { layout: 'x86_64' },
    });
    buildConfig({
      variant: 'openshift',
      version: '4.14.0',
      metadata: { name: 'x', labels: { 'machineconfiguration.openshift.io/role': 'worker' } },
      openshift: { fips: true },
      storage: {
        files: [
          {
            path: '/etc/a',
            // @ts-expect-error a mode is a number
            mode: '0644',
          },
        ],
      },
    });
  });
});
