import { CoppiceError } from '@coppice/base';
import {
  BootConfig,
  Deployment,
  decodeStaged,
  encodeStaged,
  entryTitle,
  Origin,
  parseBootLink,
  parseDeploymentName,
  parseOsRelease,
  strverscmp,
  syslinuxConfig,
  ubootConfig,
} from '@coppice/sysroot';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryCounters, entryFileName } from '../src/entries.ts';

describe('boot entries', () => {
  it('writes keys in a fixed order and keeps unknown ones', () => {
    const config = BootConfig.parse(
      '# comment\nlinux /k\nzeta 1\ntitle old\ninitrd /a\ninitrd /b\noptions root=1\nversion 2\ntitle  new\n\ninitrd\t/c\n',
      'ostree-2.conf',
    );
    expect(config.toString()).toBe(
      'title  new\nversion 2\noptions root=1\nlinux /k\ninitrd /a\ninitrd /b\ninitrd /c\nzeta 1\n',
    );
    const copy = config.clone();
    copy.set('title', 'x');
    expect(config.get('title')).toBe(' new');
    expect(copy.fileName).toBe('ostree-2.conf');
  });

  it('reads any text without failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const config = BootConfig.parse(text);
        expect(BootConfig.parse(config.toString()).toString()).toBe(config.toString());
      }),
      { seed: 2 },
    );
  });

  it('names files by number, stateroot and boot counting', () => {
    expect(entryFileName({ number: 2 })).toBe('ostree-2.conf');
    expect(entryFileName({ number: 2, osname: 'fedora' })).toBe('ostree-2-fedora.conf');
    expect(entryFileName({ number: 2, tries: 3 })).toBe('ostree-2+3.conf');
    expect(entryFileName({ number: 1, tries: 3, previous: 'ostree-2+3.conf' })).toBe('ostree-1+3-0.conf');
    expect(entryFileName({ number: 1, tries: 3, previous: 'ostree-2+1-2.conf' })).toBe('ostree-1+1-2.conf');
    expect(entryFileName({ number: 1, tries: 3, previous: 'ostree-2.conf' })).toBe('ostree-1.conf');
    expect(entryCounters('ostree-2+0-3.conf')).toEqual({ left: 0, done: 3 });
  });

  it('sorts versions as glibc does', () => {
    // From the manual page of strverscmp(3).
    const sorted = ['000', '00', '01', '010', '09', '0', '1', '9', '10'];
    for (let i = 0; i + 1 < sorted.length; i++) expect(strverscmp(sorted[i]!, sorted[i + 1]!)).toBeLessThan(0);
    expect(strverscmp('jan10', 'jan2')).toBeGreaterThan(0);
    expect(strverscmp('same', 'same')).toBe(0);
  });
});

describe('links', () => {
  it('reads ostree=', () => {
    expect(parseBootLink('/ostree/boot.1/os/abc/0')).toEqual({
      bootVersion: 1,
      osname: 'os',
      bootChecksum: 'abc',
      bootSerial: 0,
    });
    for (const bad of [
      '',
      '/ostree/boot.2/os/abc/0',
      '/ostree/boot.1/../abc/0',
      '/ostree/boot.1/os/abc/x',
      'x/ostree/boot.1/a/b/0',
    ])
      expect(() => parseBootLink(bad)).toThrow(`Invalid ostree= argument '${bad}', expected ostree=/ostree/boot.`);
  });

  it('reads deployment names', () => {
    expect(parseDeploymentName('00ff.12')).toEqual({ checksum: '00ff', deploySerial: 12 });
    for (const bad of ['00ff', '00ff.', '00fg.1', '../x.1', '00ff.1.origin'])
      expect(() => parseDeploymentName(bad)).toThrow(`Invalid deploy name '${bad}', expected CHECKSUM.TREESERIAL`);
  });
});

describe('names in the boot menu', () => {
  const title = (osRelease: string, version?: string, showOsname = false): string =>
    entryTitle({ osRelease: parseOsRelease(osRelease), version, osname: 'os', showOsname, index: 1 });

  it('shows name, version once, stateroot and index', () => {
    expect(title('PRETTY_NAME="Test 5"\nID=x\n', '1.0')).toBe('Test 5 1.0 (ostree:1)');
    expect(title('PRETTY_NAME="Test 5"\n', '5')).toBe('Test 5 (ostree:1)');
    expect(title('ID=x\n', undefined, true)).toBe('x (ostree:os:1)');
    expect(title('# PRETTY_NAME=no\nPRETTY_NAME=a\\ b\n')).toBe('a b (ostree:1)');
    expect(() => title('NAME=x\n')).toThrow('No PRETTY_NAME or ID in /etc/os-release');
  });

  it('passes over values that are no shell word', () => {
    expect(parseOsRelease(`A='open\nB="x\\"y"\nC='it'"'"'s'\n`)).toEqual(
      new Map([
        ['B', 'x"y'],
        ['C', "it's"],
      ]),
    );
  });
});

describe('origins', () => {
  it('keeps foreign keys and drops what belongs to one deployment', () => {
    const origin = Origin.parse('[origin]\nrefspec=r:x\nunlocked=hotfix\nfoo=1\n\n[packages]\nrequested=a;b;\n');
    origin.pinned = true;
    expect(origin.pinned).toBe(true);
    origin.overrideCommit = 'abc';
    origin.removeTransientState();
    expect(origin.toString()).toBe('[origin]\nrefspec=r:x\nfoo=1\noverride-commit=abc\n\n[packages]\nrequested=a;b;\n');
    origin.overrideCommit = undefined;
    expect(origin.overrideCommit).toBeUndefined();
  });
});

describe('staged state', () => {
  it('comes back as it was written', () => {
    const target = new Deployment({
      osname: 'os',
      checksum: 'a'.repeat(64),
      deploySerial: 1,
      bootChecksum: 'b'.repeat(64),
    });
    const merge = new Deployment({
      osname: 'os',
      checksum: 'c'.repeat(64),
      deploySerial: 0,
      bootChecksum: 'd'.repeat(64),
    });
    const bytes = encodeStaged(
      { target, merge, kernelArguments: ['root=x', 'quiet'], overlayInitrds: undefined, locked: true },
      { lockInState: true },
    );
    const back = decodeStaged(bytes)!;
    expect(back.target.name).toBe(target.name);
    expect(back.target.staged).toBe(true);
    expect(back.target.options).toBe('root=x quiet');
    expect(back.merge?.name).toBe(merge.name);
    expect(back.locked).toBe(true);
  });

  it('fails cleanly on anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeStaged(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CoppiceError);
        }
      }),
      { seed: 3 },
    );
  });
});

describe('boot loader files', () => {
  const entries = [
    'title New (ostree:0)\nversion 2\noptions root=1 ostree=/ostree/boot.1/os/x/0\nlinux /ostree/os-x/vmlinuz\ninitrd /ostree/os-x/initrd\n',
    'title Old (ostree:1)\nversion 1\nlinux /ostree/os-y/vmlinuz\n',
  ].map((text) => BootConfig.parse(text));

  it('keeps foreign syslinux entries and renews ours', () => {
    const old =
      'TIMEOUT 5\nDEFAULT Old (ostree:0)\nLABEL other\n\tKERNEL /vmlinuz\nLABEL Old (ostree:0)\n\tKERNEL /boot/ostree/os-y/vmlinuz\n';
    expect(syslinuxConfig(old, entries)).toBe(
      'TIMEOUT 5\nLABEL other\n\tKERNEL /vmlinuz\n\nDEFAULT New (ostree:0)\nLABEL New (ostree:0)\n\tKERNEL /boot/ostree/os-x/vmlinuz\n' +
        '\tINITRD /boot/ostree/os-x/initrd\n\tAPPEND root=1 ostree=/ostree/boot.1/os/x/0\nLABEL Old (ostree:1)\n\tKERNEL /boot/ostree/os-y/vmlinuz\n',
    );
    expect(() => syslinuxConfig('LABEL x\nMENU\n', entries)).toThrow('No KERNEL argument found after LABEL');
    expect(() => syslinuxConfig('', [BootConfig.parse('title x\n')])).toThrow('No "linux" key in bootloader config');
  });

  it("numbers U-Boot variables and adds the tree's own lines after the first", () => {
    expect(ubootConfig(entries, (link) => `extra=${link}`)).toBe(
      'kernel_image=/boot/ostree/os-x/vmlinuz\nramdisk_image=/boot/ostree/os-x/initrd\n' +
        'bootargs=root=1 ostree=/ostree/boot.1/os/x/0\nextra=/ostree/boot.1/os/x/0\nkernel_image2=/boot/ostree/os-y/vmlinuz\n',
    );
  });
});
