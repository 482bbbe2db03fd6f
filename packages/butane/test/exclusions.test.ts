// Rules that the recorded cases of the original do not reach, as its documentation and sources describe them.
import { translate } from '@coppice/butane';
import { pathText } from '@coppice/ignition';
import { describe, expect, it } from 'vitest';

/** Findings as `severity path code`, or the output. */
function outcome(variant: string, version: string, body: string): string[] | string {
  const { diagnostics, ignition } = translate(`variant: ${variant}\nversion: ${version}\n${body}`);
  return diagnostics.length === 0
    ? ignition!
    : diagnostics.map((each) => `${each.severity} ${pathText(each.path)} ${each.code}`);
}

describe('boot_device', () => {
  const missing = ['error $.boot_device.luks.luks boot-luks-method-missing'];

  it('needs a way to unlock a device, from 1.7', () => {
    for (const luks of ['{device: /dev/sda}', '{device: /dev/sda, tpm2: false}', '{device: /dev/sda, tang: [{}]}']) {
      expect(outcome('fcos', '1.7.0', `boot_device: {layout: x86_64, luks: ${luks}}\n`)).toEqual(missing);
      expect(outcome('fcos', '1.6.0', 'boot_device: {layout: x86_64, luks: {device: /dev/sda}}\n')).toBe(
        '{"ignition":{"version":"3.5.0"}}',
      );
    }
    expect(outcome('fcos', '1.7.0', 'boot_device: {layout: x86_64, luks: {device: "", tang: []}}\n')).toBe(
      '{"ignition":{"version":"3.6.0"}}',
    );
  });

  it('tells of the layout before the rest', () => {
    const body = 'boot_device: {mirror: {devices: [/dev/a, /dev/b]}, luks: {cex: {enabled: true}}}\n';
    const rest = ['error $.boot_device.luks.cex boot-cex-layout'];
    expect(outcome('fcos', '1.6.0', body)).toEqual(['warning $.boot_device.mirror boot-layout-missing', ...rest]);
    expect(outcome('fcos', '1.7.0', body)).toEqual(['error $.boot_device.mirror boot-layout-missing', ...rest]);
  });

  it('takes device names of each layout of s390x', () => {
    const made = (layout: string, device: string): string[] | string =>
      outcome('fcos', '1.6.0', `boot_device: {layout: ${layout}, luks: {device: ${device}, cex: {enabled: true}}}\n`);
    expect(made('s390x-eckd', '/dev/dasda')).toContain('"device":"/dev/dasda2"');
    expect(made('s390x-zfcp', '/dev/sdb')).toContain('"device":"/dev/sdb4"');
    expect(made('s390x-virt', '/dev/x')).toContain('"device":"/dev/disk/by-partlabel/root"');
    const wrong = ['error $.boot_device.layout boot-luks-device-name'];
    expect(made('s390x-eckd', '/dev/sda')).toEqual(wrong);
    expect(made('s390x-zfcp', '/dev/sda1')).toEqual(wrong);
    expect(made('s390x-zfcp', '""')).toEqual(['error $.boot_device.layout boot-luks-device-missing']);
  });

  it('asks openshift for the kernel argument once for the sugar and once for the volume', () => {
    const head = 'metadata: {name: n, labels: {machineconfiguration.openshift.io/role: r}}\n';
    const boot = 'boot_device: {layout: s390x-virt, luks: {cex: {enabled: true}}}\n';
    const root = 'storage: {luks: [{name: root, device: /dev/x, cex: {enabled: true}}]}\n';
    const error = 'error $.openshift.kernel_arguments cex-kernel-argument';
    expect(outcome('openshift', '4.20.0', head + boot)).toEqual([error]);
    expect(outcome('openshift', '4.20.0', head + root)).toEqual([error]);
    expect(outcome('openshift', '4.20.0', head + boot + root)).toEqual([error, error]);
    const given = 'openshift: {kernel_arguments: [rd.luks.key=/etc/luks/cex.key]}\n';
    expect(outcome('openshift', '4.20.0', head + boot + root + given)).toContain('name: root');
  });
});

describe('partitions', () => {
  it('warns of a root that cannot grow, wherever the other partition stands in the list', () => {
    const disk = (parts: string): string[] | string =>
      outcome('fcos', '1.5.0', `storage: {disks: [{device: /dev/vda, partitions: [${parts}]}]}\n`);
    const root = '{number: 4, label: root}';
    expect(disk(`${root}, {number: 5, label: var}`)).toEqual([
      'warning $.storage.disks.0.partitions.0.label partition-root-constrained',
    ]);
    expect(disk(`{number: 5, label: var}, ${root}`)).toEqual([
      'warning $.storage.disks.0.partitions.1.label partition-root-constrained',
    ]);
    expect(disk(`{number: 5, label: var, start_mib: 9000}, ${root}`)).toContain('"label":"root"');
  });
});

describe('forbidden fields', () => {
  it('may be there when they hold nothing', () => {
    expect(outcome('r4e', '1.1.0', 'kernel_arguments: {should_exist: []}\nstorage: {luks: []}\n')).toBe(
      '{"ignition":{"version":"3.4.0"}}',
    );
    const clevis = (value: string): string[] | string =>
      outcome('flatcar', '1.1.0', `storage: {luks: [{name: x, device: /dev/x, clevis: ${value}}]}\n`);
    expect(clevis('{tang: [], custom: {}}')).toBe(
      '{"ignition":{"version":"3.4.0"},"storage":{"luks":[{"device":"/dev/x","name":"x"}]}}',
    );
    expect(clevis('{tpm2: false}')).toEqual(['error $.storage.luks.0.clevis unsupported-clevis']);
  });
});

describe('quadlets', () => {
  it('have paths that are clean, and templates by the last dot', () => {
    const made = translate(
      'variant: fcos\nversion: 1.8.0-experimental\nsystemd:\n  quadlets:\n' +
        ['../a.container', 'b//c.kube', 'd@1.2.pod', 'e.f@x.volume'].map((name) => `  - {name: "${name}"}\n`).join(''),
    );
    const storage = JSON.parse(made.ignition!).storage;
    expect(storage.files.map((file: { path: string }) => file.path)).toEqual([
      '/etc/containers/systemd/a.container',
      '/etc/containers/systemd/users/b/c.kube',
    ]);
    expect(storage.links.map((link: { path: string; target: string }) => [link.path, link.target])).toEqual([
      ['/etc/containers/systemd/users/d@1.2.pod', 'd@.pod'],
      ['/etc/containers/systemd/users/e.f@x.volume', 'e.f@.volume'],
    ]);
  });
});
