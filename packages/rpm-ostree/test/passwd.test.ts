import { describe, expect, test } from 'vitest';
import {
  addAltfiles,
  blankShadowDates,
  mutateOsRelease,
  parseOsRelease,
  parsePasswd,
  splitGroup,
  splitPasswd,
} from '../src/index.ts';

describe('users of an image', () => {
  test('root stays in etc, the rest moves to usr/lib, chosen groups are in both', () => {
    const passwd = 'root:x:0:0:root:/root:/bin/sh\nchrony:x:996:996::/var/lib/chrony:/sbin/nologin\n';
    expect(splitPasswd(passwd)).toEqual({
      etc: 'root:x:0:0:root:/root:/bin/sh\n',
      lib: 'chrony:x:996:996::/var/lib/chrony:/sbin/nologin\n',
    });
    expect(splitGroup('root:x:0:\nwheel:x:10:core\nchrony:x:996:\n', ['wheel'])).toEqual({
      etc: 'root:x:0:\nwheel:x:10:core\n',
      lib: 'wheel:x:10:core\nchrony:x:996:\n',
    });
    expect(() => parsePasswd('broken\n')).toThrow('failed to parse passwd entry: broken');
    expect(() => parsePasswd('a:x:b:0:::\n')).toThrow('not a number');
  });

  test('shadow dates and nsswitch', () => {
    expect(blankShadowDates('a:!!:18000:0:99999:7:::\n')).toBe('a:!!::0:99999:7:::\n');
    expect(addAltfiles('passwd: files sss\ngroup: files altfiles\nhosts: files dns\n')).toBe(
      'passwd: files altfiles sss\ngroup: files altfiles\nhosts: files dns\n',
    );
  });

  test('os-release', () => {
    const text = 'NAME=Fedora\nVERSION="31 (CoreOS)"\nPRETTY_NAME="Fedora 31 (CoreOS)"\nVERSION_ID=31\n';
    const out = mutateOsRelease(text, '31', '31.20200118.3.0');
    expect(parseOsRelease(out).get('VERSION')).toBe('31.20200118.3.0 (CoreOS)');
    expect(parseOsRelease(out).get('VERSION_ID')).toBe('31');
    expect(parseOsRelease(out).get('OSTREE_VERSION')).toBe('31.20200118.3.0');
  });
});
