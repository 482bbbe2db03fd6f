// Configs for the apply engine beyond the plain ones: each stanza of specs 3.0 to 3.3. BASE stands for a server that answers
// with the header X-Say, else `served`.
import { attributes } from './ignition-apply-attributes.ts';
import { type Case, gzip } from './ignition-apply-case.ts';
import { files } from './ignition-apply-files.ts';

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
