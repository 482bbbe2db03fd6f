import { allSpecs, butaneSchema, ignitionSchema } from '@coppice/butane';
import { specVersions } from '@coppice/ignition';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';

const ajv = new Ajv({ allowUnionTypes: true });

describe('JSON Schemas', () => {
  it.each(allSpecs().map((spec) => [`${spec.variant} ${spec.version}`, spec] as const))('%s', (_, spec) => {
    const check = ajv.compile(butaneSchema(spec));
    const config = { variant: spec.variant, version: spec.version };
    expect(check({ ...config, storage: { files: [{ path: '/a', mode: 420, contents: { inline: 'x' } }] } })).toBe(true);
    expect(check({ ...config, storage: { files: [{ path: '/a', mode: 'x' }] } })).toBe(false);
    expect(check({ ...config, storage: { file: [] } })).toBe(false);
    expect(check({ ...config, version: '0.0.1' })).toBe(false);
    expect(check({ ...config, boot_device: { mirror: { devices: ['/dev/a'] } } })).toBe((spec.fcos ?? 0) >= 3);
    expect(check({ ...config, metadata: { name: 'x', labels: { a: 'b' } } })).toBe(spec.openshift !== undefined);
  });

  it.each(specVersions.map((version, minor) => [version, minor] as const))('ignition %s', (version, minor) => {
    const check = ajv.compile(ignitionSchema(minor));
    expect(check({ ignition: { version } })).toBe(true);
    expect(check({ ignition: { version }, systemd: { units: [{ name: 'a.service', enabled: 'yes' }] } })).toBe(false);
    expect(check({ ignition: { version }, kernelArguments: { shouldExist: ['a'] } })).toBe(minor >= 3);
  });
});
