// The formats behind `rpm -q --info`, `--scripts`, `--triggers` and the like (rpm 4.18's popt aliases).

const scripts = [
  ['pretrans', 'PRETRANS'],
  ['preinstall', 'PREIN'],
  ['postinstall', 'POSTIN'],
  ['preuninstall', 'PREUN'],
  ['postuninstall', 'POSTUN'],
  ['posttrans', 'POSTTRANS'],
  ['verify', 'VERIFYSCRIPT'],
] as const;

const script = ([name, tag]: readonly [string, string]): string =>
  `%|${tag}?{${name} scriptlet%|${tag}PROG?{ (using[ %{${tag}PROG}])}|:\\n%{${tag}}\\n}:` +
  `{%|${tag}PROG?{${name} program:[ %{${tag}PROG}]\\n}|}|`;

const triggers = (name: string, tag: string): string =>
  `[${name}%{${tag}TYPE} scriptlet (using %{${tag}SCRIPTPROG}) -- %{${tag}CONDS}\\n%{${tag}SCRIPTS}\\n]`;

const dependencies = (tag: string): string => `[%|VERBOSE?{%{${tag}FLAGS:deptype}: }:{}|%{${tag}NEVRS}\\n]`;

const signature = ['DSAHEADER', 'RSAHEADER', 'SIGGPG', 'SIGPGP'].reduceRight(
  (otherwise, tag) => `%|${tag}?{%{${tag}:pgpsig}}:{${otherwise}}|`,
  '(none)',
);

const line = (label: string, value: string): string => `${label.padEnd(12)}: ${value}\\n`;
const optional = (label: string, tag: string): string => `%|${tag}?{${line(label, `%{${tag}}`)}}|`;

const info = [
  line('Name', '%{NAME}'),
  optional('Epoch', 'EPOCH'),
  line('Version', '%{VERSION}'),
  line('Release', '%{RELEASE}'),
  optional('DistTag', 'DISTTAG'),
  line('Architecture', '%{ARCH}'),
  line('Install Date', '%|INSTALLTIME?{%{INSTALLTIME:date}}:{(not installed)}|'),
  line('Group', '%{GROUP}'),
  line('Size', '%{LONGSIZE}'),
  '%|LICENSE?{License     : %{LICENSE}}|\\n',
  line('Signature', signature),
  line('Source RPM', '%{SOURCERPM}'),
  line('Build Date', '%{BUILDTIME:date}'),
  line('Build Host', '%{BUILDHOST}'),
  '%|PREFIXES?{Relocations : [%{PREFIXES} ]\\n}|',
  optional('Packager', 'PACKAGER'),
  optional('Vendor', 'VENDOR'),
  optional('URL', 'URL'),
  optional('Bug URL', 'BUGURL'),
  line('Summary', '%{SUMMARY}'),
  'Description :\\n%{DESCRIPTION}\\n',
].join('');

/** Query formats by the name of rpm's option. */
export const namedFormats = {
  info,
  scripts: scripts.map(script).join(''),
  triggers: triggers('trigger', 'TRIGGER'),
  filetriggers: triggers('filetrigger', 'FILETRIGGER') + triggers('transfiletrigger', 'TRANSFILETRIGGER'),
  changelog: '[* %{CHANGELOGTIME:day} %{CHANGELOGNAME}\\n%{CHANGELOGTEXT}\\n\\n]',
  changes: '[* %{CHANGELOGTIME:date} %{CHANGELOGNAME}\\n%{CHANGELOGTEXT}\\n\\n]',
  provides: dependencies('PROVIDE'),
  requires: dependencies('REQUIRE'),
  conflicts: dependencies('CONFLICT'),
  obsoletes: dependencies('OBSOLETE'),
  recommends: dependencies('RECOMMEND'),
  suggests: dependencies('SUGGEST'),
  supplements: dependencies('SUPPLEMENT'),
  enhances: dependencies('ENHANCE'),
  filesbypkg: '[%-25{=NAME} %{FILENAMES}\\n]',
  fileclass: '[%{FILENAMES}\\t%{FILECLASS}\\n]',
  filecolor: '[%{FILENAMES}\\t%{FILECOLORS}\\n]',
  fileprovide: '[%{FILENAMES}\\t%{FILEPROVIDE}\\n]',
  filerequire: '[%{FILENAMES}\\t%{FILEREQUIRE}\\n]',
  filecaps: '[%{FILENAMES}\\t%|FILECAPS?{%{FILECAPS}}|\\n]',
  last: '%-45{NVRA} %|INSTALLTIME?{%{INSTALLTIME:date}}:{(not installed)}|\\n',
  name: '%{NVR}%{ARCHSUFFIX}\\n',
  xml: '[%{*:xml}\\n]',
} as const;
