// coppice rpm: package files and the package database.
import { defineSubVerbs, type SubVerb } from '../sub-verbs.ts';
import type { VerbFamily } from '../verbs.ts';

const subVerbs: readonly SubVerb[] = [
  {
    usage: 'query [packages...]',
    description: 'tell about package files, or with --dbpath about installed packages',
    options: [
      ['--dbpath <dir>', 'look the names up in this package database'],
      ['-p, --package', 'the names are package files (default without --dbpath)'],
      ['-a, --all', 'all installed packages, or those whose names fit the globs'],
      ['-f, --file', 'installed packages that own these files'],
      ['-g, --group', 'installed packages of these groups'],
      ['--whatprovides', 'installed packages that provide these capabilities'],
      ['--whatrequires', 'installed packages that require these'],
      ['--whatconflicts', 'installed packages that conflict with these'],
      ['--whatobsoletes', 'installed packages that obsolete these'],
      ['--whatrecommends', 'installed packages that recommend these'],
      ['--whatsuggests', 'installed packages that suggest these'],
      ['--whatsupplements', 'installed packages that supplement these'],
      ['--whatenhances', 'installed packages that enhance these'],
      ['--qf, --queryformat <format>', 'print in this format, as rpm -q --qf'],
      ['-i, --info', 'describe'],
      ['-l, --list', 'files'],
      ['--dump', 'files with all they have'],
      ['--scripts', 'install scripts'],
      ['--triggers', 'trigger scripts'],
      ['--filetriggers', 'file trigger scripts'],
      ['--changelog', 'changelog'],
      ['--provides', 'capabilities provided'],
      ['--requires', 'capabilities required'],
      ['--conflicts', 'conflicts'],
      ['--obsoletes', 'obsoletes'],
      ['--recommends', 'recommends'],
      ['--suggests', 'suggests'],
      ['--supplements', 'supplements'],
      ['--enhances', 'enhances'],
      ['--filesbypkg', 'files after the name of their package'],
      ['--fileclass', 'files and what they are'],
      ['--filecolor', 'files and their colours'],
      ['--fileprovide', 'files and what each provides'],
      ['--filerequire', 'files and what each requires'],
      ['--filecaps', 'files and their capabilities'],
      ['--xml', 'the whole header as rpm prints it'],
      ['-v, --verbose', 'also the kind of each dependency'],
      ['--level <release>', 'names of tags as in this release of rpm: 4.18 or 6.1', '4.18'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./query.ts'),
  },
  {
    usage: 'verify <packages...>',
    description: 'check digests and signatures of package files, in the words of rpm -K',
    options: [
      ['--dbpath <dir>', 'take keys from this package database'],
      ['--keyring <file>', 'take keys from this file (may be repeated)', []],
      ['-v, --verbose', 'print every check'],
      ['--require-signature', 'fail a package that nobody signed'],
      ['--level <release>', 'rules of this release of rpm: 4.18, or 6.1 for all digests of format 6', '4.18'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./verify.ts'),
  },
  {
    usage: 'files <package>',
    description: 'list or unpack the payload of a package file',
    options: [
      ['-x, --extract <dir>', 'unpack into this new or empty directory'],
      ['--json', 'print JSON'],
    ],
    load: () => import('./files.ts'),
  },
  {
    usage: 'cat <package> <path>',
    description: 'print one file of a package',
    load: () => import('./cat.ts'),
  },
  {
    usage: 'build <spec>',
    description: 'build a package from a YAML or JSON description',
    options: [
      ['-o, --output <dir>', 'where the package goes', '.'],
      ['--sign-with <file>', 'OpenPGP secret key to sign with'],
      ['--root <dir>', 'where the files of the description are (default: beside it)'],
    ],
    load: () => import('./build.ts'),
  },
  {
    usage: 'sign <packages...>',
    description: 'sign package files in place',
    options: [
      ['--key <file>', 'OpenPGP secret key'],
      ['--delete', 'remove signatures instead'],
    ],
    load: () => import('./sign.ts'),
  },
];

export const define: VerbFamily['define'] = (command, context, exit) => {
  defineSubVerbs(command, context, exit, subVerbs);
};
