// Configs for the apply engine on trees whose entries have extended attributes.
import type { Case } from './ignition-apply-case.ts';

const marks = { 'user.mark': 'here', 'trusted.mark': 'kept', 'security.ima': '0x0102' };
// cap_net_raw=ep
const capability = { 'security.capability': '0x0100000200200000000000000000000000000000' };

export const attributes: readonly Case[] = [
  [
    'attributes of untouched entries',
    {},
    { files: { a: 'x' }, directories: ['d'], attributes: { a: { ...marks, ...capability }, d: marks } },
  ],
  [
    'attributes of a file overwritten',
    { storage: { files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' } }] } },
    { files: { a: 'x' }, attributes: { a: marks } },
  ],
  [
    'attributes of a file appended to',
    { storage: { files: [{ path: '/a', append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' }, attributes: { a: marks } },
  ],
  [
    'capabilities of a file appended to',
    { storage: { files: [{ path: '/a', append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' }, attributes: { a: capability } },
  ],
  [
    'attributes of a file with another mode',
    { storage: { files: [{ path: '/a', mode: 0o711 }] } },
    { files: { a: 'x' }, attributes: { a: marks } },
  ],
  [
    'capabilities of a file with another mode',
    { storage: { files: [{ path: '/a', mode: 0o711 }] } },
    { files: { a: 'x' }, attributes: { a: capability } },
  ],
  [
    'capabilities of a file with another owner',
    { storage: { files: [{ path: '/a', user: { id: 4 } }] } },
    { files: { a: 'x' }, attributes: { a: { ...marks, ...capability } } },
  ],
  [
    'attributes of a file replaced by a link',
    { storage: { links: [{ path: '/a', target: 'b', overwrite: true }] } },
    { files: { a: 'x' }, attributes: { a: marks } },
  ],
  [
    'attributes of a link replaced by a file',
    { storage: { files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' } }] } },
    { links: { a: 'b' }, attributes: { a: { 'trusted.mark': 'l' } } },
  ],
  [
    'attributes of a link that stays',
    { storage: { links: [{ path: '/a', target: 'b', user: { id: 3 } }] } },
    { links: { a: 'b' }, attributes: { a: { 'trusted.mark': 'l' } } },
  ],
  [
    'attributes of a directory that exists',
    { storage: { directories: [{ path: '/d', mode: 0o700, user: { id: 3 } }] } },
    { directories: ['d'], attributes: { d: marks } },
  ],
  [
    'attributes of a directory overwritten',
    { storage: { directories: [{ path: '/d', overwrite: true }] } },
    { files: { 'd/x': '1' }, attributes: { d: marks, 'd/x': marks } },
  ],
  [
    'attributes of parent directories',
    { storage: { files: [{ path: '/d/e/f' }] } },
    { directories: ['d'], attributes: { d: marks } },
  ],
  [
    'attributes of a hard link',
    { storage: { links: [{ path: '/b', target: '/a', hard: true }] } },
    { files: { a: 'x' }, attributes: { a: { ...marks, ...capability } } },
  ],
  [
    'attributes of both names appended to',
    { storage: { files: [{ path: '/a', append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' }, hard: { b: 'a' }, attributes: { a: marks } },
  ],
  [
    'attributes of a unit overwritten',
    { systemd: { units: [{ name: 'a.service', contents: '[Unit]\n' }] } },
    { files: { 'etc/systemd/system/a.service': 'old' }, attributes: { 'etc/systemd/system/a.service': marks } },
  ],
  [
    'attributes of a unit masked',
    { systemd: { units: [{ name: 'a.service', mask: true }] } },
    { files: { 'etc/systemd/system/a.service': 'old' }, attributes: { 'etc/systemd/system/a.service': marks } },
  ],
  [
    'attributes of a preset file added to',
    { systemd: { units: [{ name: 'a.service', enabled: true }] } },
    {
      files: { 'etc/systemd/system-preset/20-ignition.preset': 'enable z.service\n' },
      attributes: { 'etc/systemd/system-preset/20-ignition.preset': marks },
    },
  ],
  [
    'attributes of the skeleton',
    { passwd: { users: [{ name: 'n' }] } },
    { attributes: { 'etc/skel/.x': { 'user.skel': 'x' } } },
  ],
  [
    'attributes of the account files',
    { passwd: { users: [{ name: 'n' }], groups: [{ name: 'g' }] } },
    {
      attributes: {
        'etc/passwd': { 'user.mark': 'p' },
        'etc/group': { 'user.mark': 'g' },
        'etc/shadow': { 'user.mark': 's' },
      },
    },
  ],
  [
    'attributes of a home that moves',
    { passwd: { users: [{ name: 'core', homeDir: '/var/home/c2', uid: 1700 }] } },
    {
      files: { 'var/home/core/f': 'x' },
      owners: { 'var/home/core/f': 1000 },
      attributes: { 'var/home/core': marks, 'var/home/core/f': marks },
    },
  ],
  [
    'attributes of keys overwritten',
    { passwd: { users: [{ name: 'core', sshAuthorizedKeys: ['k'] }] } },
    {
      files: { 'var/home/core/.ssh/authorized_keys.d/ignition': 'old\n' },
      attributes: { 'var/home/core/.ssh/authorized_keys.d/ignition': marks, 'var/home/core/.ssh': marks },
      owners: {
        'var/home/core/.ssh': 1000,
        'var/home/core/.ssh/authorized_keys.d': 1000,
        'var/home/core/.ssh/authorized_keys.d/ignition': 1000,
      },
    },
  ],
];
