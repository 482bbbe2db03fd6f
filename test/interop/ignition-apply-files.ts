// Configs for the apply engine: files, directories and links.
import { type Case, gzip } from './ignition-apply-case.ts';

const sha512x =
  'sha512-a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62';
const sha256hello = 'sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

export const files: readonly Case[] = [
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
