// The tables of primary.sqlite, filelists.sqlite and other.sqlite, version 10, as yum reads them and createrepo_c makes them.

/** What `database_version` in repomd.xml and `db_info` say. */
export const databaseVersion = 10;

type Column = readonly [name: string, type: string];

const texts = (...names: string[]): Column[] => names.map((name) => [name, 'TEXT']);
const integers = (...names: string[]): Column[] => names.map((name) => [name, 'INTEGER']);

const table = (name: string, columns: readonly Column[]): string =>
  `CREATE TABLE ${name} (  ${columns.map(([column, type]) => `${column} ${type}`).join(',  ')})`;

const info = 'CREATE TABLE db_info (dbversion INTEGER, checksum TEXT)';
const key: Column = ['pkgKey', 'INTEGER PRIMARY KEY'];
const packageIds = table('packages', [key, ['pkgId', 'TEXT']]);

/** The columns of primary.sqlite's packages that are filled in; the key counts from 1. */
export const packageColumns: readonly Column[] = [
  ...texts('pkgId', 'name', 'arch', 'version', 'epoch', 'release', 'summary', 'description', 'url'),
  ...integers('time_file', 'time_build'),
  ...texts('rpm_license', 'rpm_vendor', 'rpm_group', 'rpm_buildhost', 'rpm_sourcerpm'),
  ...integers('rpm_header_start', 'rpm_header_end'),
  ...texts('rpm_packager'),
  ...integers('size_package', 'size_installed', 'size_archive'),
  ...texts('location_href', 'location_base', 'checksum_type'),
];

/** The tables of dependencies, in the order in which they are made. */
export const dependencyTables = [
  'requires',
  'provides',
  'conflicts',
  'obsoletes',
  'suggests',
  'enhances',
  'recommends',
  'supplements',
] as const;

const dependencyColumns = 'name TEXT,  flags TEXT,  epoch TEXT,  version TEXT,  release TEXT,  pkgKey INTEGER';

function dependencyTable(name: string): string {
  const pre = name === 'requires' ? ', pre BOOLEAN DEFAULT FALSE' : '';
  return `CREATE TABLE ${name} (  ${dependencyColumns} ${pre})`;
}

function removal(name: string, tables: readonly string[]): string {
  const steps = tables.map((from) => `    DELETE FROM ${from} WHERE pkgKey = old.pkgKey;`).join('');
  return `CREATE TRIGGER ${name} AFTER DELETE ON packages  BEGIN${steps}  END`;
}

/** What is made before the rows, and the indexes that are made after them. */
export interface DatabaseSchema {
  readonly tables: readonly string[];
  readonly indexes: readonly string[];
}

export const primarySchema: DatabaseSchema = {
  tables: [
    info,
    table('packages', [key, ...packageColumns]),
    table('files', [...texts('name', 'type'), ['pkgKey', 'INTEGER']]),
    ...dependencyTables.map(dependencyTable),
    removal('removals', ['files', ...dependencyTables]),
  ],
  indexes: [
    'CREATE INDEX packagename ON packages (name)',
    'CREATE INDEX packageId ON packages (pkgId)',
    'CREATE INDEX filenames ON files (name)',
    'CREATE INDEX pkgfiles ON files (pkgKey)',
    ...dependencyTables.flatMap((name) => [
      `CREATE INDEX pkg${name} on ${name} (pkgKey)`,
      ...(name === 'requires' || name === 'provides' ? [`CREATE INDEX ${name}name ON ${name} (name)`] : []),
    ]),
  ],
};

export const filelistsSchema: DatabaseSchema = {
  tables: [
    info,
    packageIds,
    table('filelist', [['pkgKey', 'INTEGER'], ...texts('dirname', 'filenames', 'filetypes')]),
    removal('remove_filelist', ['filelist']),
  ],
  indexes: [
    'CREATE INDEX keyfile ON filelist (pkgKey)',
    'CREATE INDEX pkgId ON packages (pkgId)',
    'CREATE INDEX dirnames ON filelist (dirname)',
  ],
};

export const otherSchema: DatabaseSchema = {
  tables: [
    info,
    packageIds,
    table('changelog', [
      ['pkgKey', 'INTEGER'],
      ['author', 'TEXT'],
      ['date', 'INTEGER'],
      ['changelog', 'TEXT'],
    ]),
    removal('remove_changelogs', ['changelog']),
  ],
  indexes: ['CREATE INDEX keychange ON changelog (pkgKey)', 'CREATE INDEX pkgId ON packages (pkgId)'],
};
