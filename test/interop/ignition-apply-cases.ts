// Configs for the apply engine beyond the plain ones: each stanza of specs 3.0 to 3.3, and trees whose entries have extended
// attributes. BASE stands for a server that answers with the header X-Say, else `served`.

export interface Setup {
  /** Without login.defs and the defaults of useradd. */
  readonly bare?: true;
  readonly links?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly directories?: readonly string[];
  /** Hard links: new name to old name. */
  readonly hard?: Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, number>>;
  readonly owners?: Readonly<Record<string, number>>;
  /** Extended attributes by path and name; values as setfattr reads them. */
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export type Case = readonly [name: string, config: object, setup?: Setup];

const gzip = 'data:;base64,H4sIAAAAAAAC/0pJTS3gGgYEIAAA//9EDFQ1yAAAAA==';
const sha512x =
  'sha512-a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62';
const sha256hello = 'sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

const versions = ['3.0.0', '3.1.0', '3.2.0', '3.3.0'] as const;

/** Every version with the stanzas that all of them have. */
function everywhere(): Case[] {
  return versions.map(
    (version): Case => [
      `all common stanzas of ${version}`,
      {
        ignition: { version },
        passwd: {
          groups: [{ name: 'team', gid: 4000 }],
          users: [
            { name: 'core', sshAuthorizedKeys: ['ssh-ed25519 AAAA core@host'] },
            { name: 'dev', uid: 3000, groups: ['team', 'wheel'], gecos: 'Dev, Elo Per', shell: '/bin/sh' },
          ],
        },
        storage: {
          directories: [{ path: '/srv/data', mode: 0o750, user: { id: 3000 }, group: { name: 'team' } }],
          files: [
            { path: '/etc/hostname', mode: 0o644, overwrite: true, contents: { source: 'data:,host%0A' } },
            {
              path: '/srv/data/a',
              contents: { source: 'data:;base64,aGVsbG8=', verification: { hash: sha512('hello') } },
            },
            { path: '/srv/z', contents: { compression: 'gzip', source: gzip } },
            { path: '/etc/motd', append: [{ source: 'data:,1' }, { source: 'data:,2' }] },
          ],
          links: [
            { path: '/etc/localtime', target: '../usr/share/zoneinfo/UTC' },
            { path: '/srv/again', hard: true, target: '/srv/data/a' },
          ],
        },
        systemd: {
          units: [
            {
              name: 'a.service',
              enabled: true,
              contents: '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n',
            },
            { name: 'b@.service', contents: '[Install]\nWantedBy=x.target\n' },
            { name: 'c.timer', mask: true },
          ],
        },
      },
      { files: { 'etc/hostname': 'old\n', 'etc/motd': 'hi\n' } },
    ],
  );
}

function sha512(text: 'hello'): string {
  return `sha512-${{ hello: '9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043' }[text]}`;
}

/** One field of a new user at a time, then pairs that act on each other. */
function users(): Case[] {
  const fields: Readonly<Record<string, object>> = {
    'a uid': { uid: 4321 },
    'a password hash': { passwordHash: '$6$rounds=4096$x$y' },
    'an empty password hash': { passwordHash: '' },
    'a gecos': { gecos: 'A B,,,' },
    'an empty gecos': { gecos: '' },
    'a home': { homeDir: '/srv/homes/u' },
    'an existing home': { homeDir: '/opt/there' },
    'no home': { noCreateHome: true },
    'a shell': { shell: '/usr/bin/fish' },
    'an empty shell': { shell: '' },
    'a primary group by name': { primaryGroup: 'bin' },
    'a primary group by number': { primaryGroup: '10' },
    groups: { groups: ['wheel', 'adm'] },
    'no user group': { noUserGroup: true },
    'no login records': { noLogInit: true },
    'a system user': { system: true },
    'a system user with a home': { system: true, homeDir: '/var/lib/s', shell: '/sbin/nologin' },
    'a system user with a uid and groups': { system: true, uid: 300, groups: ['mail'] },
    'all switches': { system: true, noCreateHome: true, noUserGroup: true, noLogInit: true },
    'all switches false': {
      system: false,
      noCreateHome: false,
      noUserGroup: false,
      noLogInit: false,
      shouldExist: true,
    },
    'many keys': { sshAuthorizedKeys: ['ssh-rsa A a b', '', 'ssh-rsa B', 'from="x" ssh-rsa C\n'] },
  };
  return Object.entries(fields).map(
    ([name, more]): Case => [
      `a new user with ${name}`,
      { passwd: { users: [{ name: 'new', ...more }] } },
      { files: { 'opt/there/f': 'x' }, directories: ['var/spool/mail'] },
    ],
  );
}

function knownUsers(): Case[] {
  const fields: Readonly<Record<string, object>> = {
    nothing: {},
    'a password hash': { passwordHash: '$y$j9T$x' },
    'a shell': { shell: '/bin/zsh' },
    'a gecos': { gecos: 'Other' },
    'a uid': { uid: 1700 },
    'a primary group': { primaryGroup: 'adm' },
    groups: { groups: ['mail'] },
    keys: { sshAuthorizedKeys: ['ssh-rsa Z'] },
    'switches for new users': { system: true, noCreateHome: true, noUserGroup: true, noLogInit: true },
  };
  return Object.entries(fields).map(
    ([name, more]): Case => [
      `a known user with ${name}`,
      { passwd: { users: [{ name: 'core', ...more }] } },
      { files: { 'var/home/core/.bashrc': 'mine' } },
    ],
  );
}

const groups: readonly Case[] = [
  ['a group with a number', { passwd: { groups: [{ name: 'g', gid: 7777 }] } }],
  ['a group with a password', { passwd: { groups: [{ name: 'g', passwordHash: '$6$a$b' }] } }],
  ['a group with an empty password', { passwd: { groups: [{ name: 'g', passwordHash: '' }] } }],
  ['a system group', { passwd: { groups: [{ name: 'g', system: true }] } }],
  ['a system group with a number', { passwd: { groups: [{ name: 'g', system: true, gid: 444 }] } }],
  [
    'groups removed and wanted',
    {
      passwd: {
        groups: [
          { name: 'mail', shouldExist: false },
          { name: 'n', shouldExist: true },
        ],
      },
    },
  ],
  [
    'a user removed with home and mail',
    { passwd: { users: [{ name: 'core', shouldExist: false }] } },
    { files: { 'var/home/core/f': 'x', 'var/spool/mail/core': 'm' }, owners: { 'var/spool/mail/core': 1000 } },
  ],
];

const files: readonly Case[] = [
  ['a file from an empty data URL', { storage: { files: [{ path: '/a', contents: { source: 'data:,' } }] } }],
  ['a file from an empty source', { storage: { files: [{ path: '/a', contents: { source: '' } }] } }],
  [
    'a file from a data URL with a type',
    { storage: { files: [{ path: '/a', contents: { source: 'data:text/plain;charset=utf-8,%C3%A9%00x' } }] } },
  ],
  [
    'a file with all permissions',
    { storage: { files: [{ path: '/a', mode: 0o777, contents: { source: 'data:,x' } }] } },
  ],
  ['a file with none', { storage: { files: [{ path: '/a', mode: 0, contents: { source: 'data:,x' } }] } }],
  [
    'a file with special bits',
    {
      storage: {
        files: [
          { path: '/a', mode: 0o4755, contents: { source: 'data:,x' } },
          { path: '/b', mode: 0o2755, user: { id: 5 } },
        ],
      },
    },
  ],
  [
    'a directory with special bits',
    {
      storage: {
        directories: [
          { path: '/a', mode: 0o1777 },
          { path: '/b', mode: 0o2770, group: { id: 10 } },
        ],
      },
    },
  ],
  [
    'a file checked by sha512',
    { storage: { files: [{ path: '/a', contents: { source: 'data:,x', verification: { hash: sha512x } } }] } },
  ],
  [
    'a file checked by sha256',
    { storage: { files: [{ path: '/a', contents: { source: 'data:,hello', verification: { hash: sha256hello } } }] } },
  ],
  [
    'an append checked by sha256',
    {
      storage: {
        files: [
          {
            path: '/a',
            append: [
              {
                source: 'BASE/x',
                httpHeaders: [{ name: 'x-say', value: 'hello' }],
                verification: { hash: sha256hello },
              },
            ],
          },
        ],
      },
    },
    { files: { a: '1' } },
  ],
  [
    'compressed appends',
    { storage: { files: [{ path: '/a', append: [{ source: gzip, compression: 'gzip' }, { source: 'data:,end' }] }] } },
    { files: { a: '1' } },
  ],
  [
    'an owner by number',
    { storage: { files: [{ path: '/a', user: { id: 77 }, group: { id: 78 }, contents: { source: 'data:,x' } }] } },
  ],
  [
    'an owner that the config adds',
    {
      passwd: { users: [{ name: 'n' }], groups: [{ name: 'gg' }] },
      storage: { files: [{ path: '/a', user: { name: 'n' }, group: { name: 'gg' } }] },
    },
  ],
  [
    'an existing file with another mode and owner',
    { storage: { files: [{ path: '/a', mode: 0o600, user: { id: 9 } }] } },
    { files: { a: 'x' } },
  ],
  [
    'an existing file kept as it is',
    { storage: { files: [{ path: '/a' }] } },
    { files: { a: 'x' }, modes: { a: 0o6711 }, owners: { a: 33 } },
  ],
  [
    'appends keep mode and owner',
    { storage: { files: [{ path: '/a', append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' }, modes: { a: 0o640 }, owners: { a: 33 } },
  ],
  [
    'appends with another mode',
    { storage: { files: [{ path: '/a', mode: 0o600, append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' } },
  ],
  [
    'overwriting without keeping mode and owner',
    { storage: { files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' } }] } },
    { files: { a: 'x' }, modes: { a: 0o600 }, owners: { a: 33 } },
  ],
  [
    'overwriting and appending',
    {
      storage: {
        files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' }, append: [{ source: 'data:,z' }] }],
      },
    },
    { files: { a: 'x' } },
  ],
  [
    'overwriting a link',
    { storage: { files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' } }] } },
    { files: { b: 'x' }, links: { a: 'b' } },
  ],
  [
    'overwriting one name of two',
    { storage: { files: [{ path: '/a', overwrite: true, contents: { source: 'data:,y' } }] } },
    { files: { a: 'x' }, hard: { b: 'a' } },
  ],
  [
    'appending to one name of two',
    { storage: { files: [{ path: '/a', append: [{ source: 'data:,y' }] }] } },
    { files: { a: 'x' }, hard: { b: 'a' } },
  ],
  ['a directory over a file', { storage: { directories: [{ path: '/a', overwrite: true }] } }, { files: { a: 'x' } }],
  [
    'a directory over a link',
    { storage: { directories: [{ path: '/a', overwrite: true }] } },
    { directories: ['b'], links: { a: 'b' } },
  ],
  [
    'a directory that exists',
    { storage: { directories: [{ path: '/a', mode: 0o700, user: { id: 3 } }, { path: '/b' }] } },
    { directories: ['a', 'b'], modes: { b: 0o711 }, owners: { b: 33 } },
  ],
  [
    'deep and shallow in any order',
    {
      storage: {
        files: [{ path: '/a/b/c/d' }, { path: '/a/e' }],
        directories: [
          { path: '/a/b', mode: 0o700 },
          { path: '/a', mode: 0o711 },
        ],
      },
    },
  ],
  [
    'parents of a file of another owner',
    { storage: { files: [{ path: '/var/home/core/x/y', user: { name: 'core' }, group: { name: 'core' } }] } },
  ],
  ['a relative link', { storage: { links: [{ path: '/a/l', target: '../b' }] } }],
  [
    'a link over a file',
    { storage: { links: [{ path: '/a', target: '/b', overwrite: true }] } },
    { files: { a: 'x' } },
  ],
  [
    'a link over a full directory',
    { storage: { links: [{ path: '/a', target: 'b', overwrite: true }] } },
    { files: { 'a/x': 'x' } },
  ],
  [
    'a hard link over a file',
    { storage: { links: [{ path: '/a', target: '/b', hard: true, overwrite: true }] } },
    { files: { a: 'x', b: 'y' } },
  ],
  [
    'a hard link that exists',
    { storage: { links: [{ path: '/a', target: '/b', hard: true }] } },
    { files: { b: 'y' }, hard: { a: 'b' } },
  ],
  [
    'a link with owners by name',
    { storage: { links: [{ path: '/a', target: 'x', user: { name: 'core' }, group: { name: 'wheel' } }] } },
  ],
];

const units: readonly Case[] = [
  ['a unit enabled without contents', { systemd: { units: [{ name: 'a.service', enabled: true }] } }],
  [
    'a unit disabled with contents',
    { systemd: { units: [{ name: 'a.socket', enabled: false, contents: '[Install]\nWantedBy=x\n' }] } },
  ],
  [
    'a unit with drop-ins alone',
    { systemd: { units: [{ name: 'a.service', dropins: [{ name: '10-x.conf', contents: '[Service]\nA=b\n' }] }] } },
  ],
  [
    'units over existing ones',
    { systemd: { units: [{ name: 'a.service', contents: '[Unit]\n' }] } },
    { files: { 'etc/systemd/system/a.service': 'old' } },
  ],
  [
    'masks over existing units',
    {
      systemd: {
        units: [
          { name: 'a.service', mask: true },
          { name: 'b.service', mask: true },
        ],
      },
    },
    { files: { 'etc/systemd/system/a.service': 'old' }, links: { 'etc/systemd/system/b.service': '/x' } },
  ],
  [
    'unmasking what is not masked',
    {
      systemd: {
        units: [
          { name: 'a.service', mask: false },
          { name: 'b.service', mask: false },
        ],
      },
    },
    { files: { 'etc/systemd/system/a.service': 'old' } },
  ],
];

const merged: readonly Case[] = [
  [
    'a merged config',
    {
      ignition: { version: '3.3.0', config: { merge: [{ source: 'BASE/one.ign' }] } },
      storage: { files: [{ path: '/own', contents: { source: 'data:,own' } }] },
    },
  ],
  [
    'two merged configs, the later over the earlier',
    { ignition: { version: '3.3.0', config: { merge: [{ source: 'BASE/one.ign' }, { source: 'BASE/two.ign' }] } } },
  ],
  [
    'a merged config of an older version',
    { ignition: { version: '3.3.0', config: { merge: [{ source: 'BASE/old.ign' }] } } },
  ],
  [
    'a config replaced',
    {
      ignition: { version: '3.1.0', config: { replace: { source: 'BASE/one.ign' } } },
      storage: { files: [{ path: '/own' }] },
    },
  ],
  [
    'a merged config that merges',
    { ignition: { version: '3.2.0', config: { merge: [{ source: 'BASE/chain.ign' }] } } },
  ],
  [
    'a merged config checked by hash',
    {
      ignition: {
        version: '3.3.0',
        config: { merge: [{ source: 'BASE/one.ign', verification: { hash: 'HASH/one.ign' } }] },
      },
    },
  ],
  [
    'a merged config from a data URL',
    {
      ignition: {
        version: '3.0.0',
        config: {
          merge: [
            {
              source: `data:,${encodeURIComponent('{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"/d"}]}}')}`,
            },
          ],
        },
      },
    },
  ],
  [
    'proxies that nothing goes through',
    {
      ignition: { version: '3.3.0', proxy: { httpProxy: 'http://127.0.0.1:9', noProxy: ['127.0.0.1'] } },
      storage: { files: [{ path: '/a', contents: { source: 'data:,x' } }] },
    },
  ],
];

/** Configs that the server has. */
export const served: Readonly<Record<string, string>> = {
  '/one.ign':
    '{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/one","contents":{"source":"data:,1"}},{"path":"/own","mode":384}]},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["ssh-rsa ONE"]}]}}',
  '/two.ign':
    '{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/one","mode":493,"contents":{"source":"data:,2"}}]},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["ssh-rsa TWO"]}]}}',
  '/old.ign': '{"ignition":{"version":"3.0.0"},"storage":{"directories":[{"path":"/old"}]}}',
  '/chain.ign':
    '{"ignition":{"version":"3.1.0","config":{"merge":[{"source":"BASE/old.ign"}]}},"storage":{"files":[{"path":"/chain"}]}}',
};

const marks = { 'user.mark': 'here', 'trusted.mark': 'kept', 'security.ima': '0x0102' };
// cap_net_raw=ep
const capability = { 'security.capability': '0x0100000200200000000000000000000000000000' };

const attributes: readonly Case[] = [
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

export const moreCases: readonly Case[] = [
  ...everywhere(),
  ...users(),
  ...knownUsers(),
  ...groups,
  ...files,
  ...units,
  ...merged,
  ...attributes,
];
