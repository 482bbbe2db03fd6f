// coppice repo: RPM repositories, and what else is kept in repositories. One line per sub-verb.
import { defineSubVerbs, type SubVerb } from '../sub-verbs.ts';
import type { VerbFamily } from '../verbs.ts';

export const subVerbs: readonly SubVerb[] = [
  {
    usage: 'create <dir>',
    description: 'write the metadata of a directory of packages',
    options: [
      ['-o, --output <dir>', 'where repodata/ goes (default: the directory itself)'],
      ['-x, --excludes <pattern>', 'leave out packages by name or path (may be repeated)', []],
      ['-i, --pkglist <file>', 'only the packages that this file lists, one path a line'],
      ['-n, --includepkg <path>', 'only this package (may be repeated)', []],
      ['-S, --skip-symlinks', 'leave out symbolic links to packages'],
      ['--update', 'reuse what is known about packages that have not changed'],
      ['--compress-type <kind>', 'gz, zstd, xz, bz2 or none', 'gz'],
      ['--general-compress-type <kind>', 'the same'],
      ['--simple-md-filenames', 'names of metadata files without their checksums'],
      ['--retain-old-md <n>', 'older metadata of each kind that stay', '0'],
      ['-s, --checksum <type>', 'sha256, sha512, sha1, sha (the same by its old name) ...', 'sha256'],
      ['--changelog-limit <n>', 'changelog entries kept per package', '10'],
      ['-u, --baseurl <url>', 'base of all locations'],
      ['--location-prefix <path>', 'what all locations begin with'],
      ['--cut-dirs <n>', 'leading folders left out of all locations', '0'],
      ['--distro <text>', 'tag of the distribution, CPEID,NAME or NAME (may be repeated)', []],
      ['--content <text>', 'tag of the content (may be repeated)', []],
      ['--repo <text>', 'tag of the repository (may be repeated)', []],
      ['-g, --groupfile <file>', 'comps file to include'],
      ['--error-exit-val', 'end with status 2 when a package could not be read (they are left out and named)'],
      ['--revision <text>', 'revision of this repository (default: the time)'],
      ['--set-timestamp-to-revision', 'the revision is the time of all metadata too'],
      ['-q, --quiet', 'print no summary'],
      ['--no-database', 'taken as createrepo_c takes it; no databases are made'],
      ['--json', 'print a summary as JSON'],
    ],
    load: () => import('./create.ts'),
  },
  {
    usage: 'query <repository> [patterns...]',
    description: 'list packages of a repository by name, glob, capability or path',
    options: [
      ['--provides', 'print what each provides'],
      ['--requires', 'print what each requires'],
      ['--list', 'print the files of each'],
      ['--changelog', 'print the changelog of each'],
      ['--info', 'print a description of each'],
      ['--whatprovides <capability>', 'only packages that provide it'],
      ['--whatrequires <capability>', 'only packages that require it'],
      ['--cache <dir>', 'keep parsed metadata here'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./query.ts'),
  },
  {
    usage: 'depsolve <subjects...>',
    description: 'what installing packages from repositories would bring, or why it cannot be',
    options: [
      ['--repo <repository>', 'directory, or NAME=DIRECTORY[,priority=N][,hotfixes] (may be repeated)', []],
      ['--module <name:stream>', 'this stream of a module is enabled (may be repeated)', []],
      ['--disable-module <name>', 'this module is disabled (may be repeated)', []],
      ['--platform <stream>', 'stream of the platform that modules ask for, e.g. f40'],
      ['--installed <dbpath>', 'package database of the system (default: nothing is installed)'],
      ['--arch <arch>', 'architecture to solve for', 'x86_64'],
      ['--remove <subject>', 'also remove this (may be repeated)', []],
      ['--no-recommends', 'leave out what is only recommended'],
      ['--lock-installed', 'change nothing that is installed'],
      ['--filelists', 'look for required files in the whole file lists'],
      ['--cache <dir>', 'keep parsed metadata here'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./depsolve.ts'),
  },
  {
    usage: 'diff <old> <new>',
    description: 'packages that differ between two RPM repositories; with --repo, files between two OSTree commits',
    options: [
      ['--repo <dir>', 'OSTree repository that holds the commits <old> and <new>'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./diff.ts'),
  },
  {
    usage: 'du <repository>',
    description: 'bytes by ref in an OSTree repository, shared and its own',
    options: [['--json', 'print JSON']],
    load: () => import('./du.ts'),
  },
  {
    usage: 'repair <repository>',
    description: 'find missing and corrupt objects of an OSTree repository and take them from another',
    options: [
      ['--from <source>', 'a repository, or the name of a remote'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./repair.ts'),
  },
  {
    usage: 'serve <repository>',
    description: 'serve an OSTree repository over HTTP',
    options: [
      ['--host <address>', 'address to listen on', '127.0.0.1'],
      ['--port <n>', 'port to listen on (0: any free one)', '0'],
      ['--cert <file>', 'certificate chain (PEM); with --key makes it HTTPS'],
      ['--key <file>', 'private key (PEM)'],
      ['--log <file>', 'append a line per request (- for standard output)'],
      ['--workers <n>', 'processes that answer, one per processor at most useful', '1'],
    ],
    load: () => import('./serve.ts'),
  },
  {
    usage: 'publish <repository> <destination>',
    description: 'copy an OSTree repository to a folder or s3://BUCKET/PREFIX, safe for readers at any time',
    options: [
      ['--jobs <n>', 'files at a time', '8'],
      ['--json', 'print a summary as JSON'],
    ],
    load: () => import('./publish.ts'),
  },
];

export const define: VerbFamily['define'] = (command, context, exit) => {
  defineSubVerbs(command, context, exit, subVerbs);
};
