import { resolveSchema, type StructDef, type TypeTable } from './schema.ts';

// The Ignition config types of specs 3.0 to 3.7-experimental, in Go's order of declaration (which is the order of output).
// `@n` is the minor version.
export const ignitionTypes: TypeTable = {
  CaReference: { source: 'string!', verification: 'Verification' },
  Cex: { enabled: '*bool' },
  Clevis: {
    custom: '*Custom @0..2 | ClevisCustom @3',
    tang: '[]Tang',
    threshold: '*int',
    tpm2: '*bool',
  },
  ClevisCustom: { config: '*string', needsNetwork: '*bool', pin: '*string' },
  Config: {
    ignition: 'Ignition!',
    kernelArguments: 'KernelArguments @3',
    passwd: 'Passwd',
    storage: 'Storage',
    systemd: 'Systemd',
  },
  ConfigReference: { source: '*string!', verification: 'Verification' },
  Custom: { config: 'string!', needsNetwork: '*bool', pin: 'string!' },
  Directory: {
    group: 'NodeGroup ^Node',
    overwrite: '*bool ^Node',
    path: 'string! ^Node',
    user: 'NodeUser ^Node',
    mode: '*int ^DirectoryEmbedded1',
  },
  Disk: { device: 'string!', partitions: '[]Partition', wipeTable: '*bool' },
  Dropin: { contents: '*string', name: 'string!' },
  File: {
    group: 'NodeGroup ^Node',
    overwrite: '*bool ^Node',
    path: 'string! ^Node',
    user: 'NodeUser ^Node',
    append: '[]FileContents @0..0 ^FileEmbedded1 | []Resource @1 ^FileEmbedded1',
    contents: 'FileContents @0..0 ^FileEmbedded1 | Resource @1 ^FileEmbedded1',
    mode: '*int ^FileEmbedded1',
  },
  FileContents: { compression: '*string', source: '*string', verification: 'Verification' },
  Filesystem: {
    device: 'string!',
    format: '*string',
    label: '*string',
    mountOptions: '[]MountOption @1',
    options: '[]FilesystemOption',
    path: '*string',
    uuid: '*string',
    wipeFilesystem: '*bool',
  },
  HTTPHeader: { name: 'string!', value: '*string' },
  Ignition: {
    config: 'IgnitionConfig',
    proxy: 'Proxy @1',
    security: 'Security',
    timeouts: 'Timeouts',
    version: 'string @0..3 | string! @4',
  },
  IgnitionConfig: {
    merge: '[]ConfigReference @0..0 | []Resource @1',
    replace: 'ConfigReference @0..0 | Resource @1',
  },
  KernelArguments: { shouldExist: '[]KernelArgument', shouldNotExist: '[]KernelArgument' },
  Link: {
    group: 'NodeGroup ^Node',
    overwrite: '*bool ^Node',
    path: 'string! ^Node',
    user: 'NodeUser ^Node',
    hard: '*bool ^LinkEmbedded1',
    target: 'string! @0..2 ^LinkEmbedded1 | *string @3 ^LinkEmbedded1',
  },
  Luks: {
    cex: 'Cex @5',
    clevis: '*Clevis @0..2 | Clevis @3',
    device: '*string',
    discard: '*bool @4',
    keyFile: 'Resource',
    label: '*string',
    name: 'string!',
    openOptions: '[]OpenOption @4',
    options: '[]LuksOption',
    uuid: '*string',
    wipeVolume: '*bool',
  },
  NodeGroup: { id: '*int', name: '*string' },
  NodeUser: { id: '*int', name: '*string' },
  Partition: {
    guid: '*string',
    label: '*string',
    number: 'int',
    resize: '*bool @2',
    shouldExist: '*bool',
    sizeMiB: '*int',
    startMiB: '*int',
    typeGuid: '*string',
    wipePartitionEntry: '*bool',
  },
  Passwd: { groups: '[]PasswdGroup', users: '[]PasswdUser' },
  PasswdGroup: {
    gid: '*int',
    name: 'string!',
    passwordHash: '*string',
    shouldExist: '*bool @2',
    system: '*bool',
  },
  PasswdUser: {
    gecos: '*string',
    groups: '[]Group',
    homeDir: '*string',
    name: 'string!',
    noCreateHome: '*bool',
    noLogInit: '*bool',
    noUserGroup: '*bool',
    passwordHash: '*string',
    primaryGroup: '*string',
    sshAuthorizedKeys: '[]SSHAuthorizedKey',
    shell: '*string',
    shouldExist: '*bool @2',
    system: '*bool',
    uid: '*int',
  },
  Proxy: { httpProxy: '*string', httpsProxy: '*string', noProxy: '[]NoProxyItem' },
  Raid: {
    devices: '[]Device! @0..2 | []Device @3',
    level: 'string! @0..2 | *string @3',
    name: 'string!',
    options: '[]RaidOption',
    spares: '*int',
  },
  Resource: {
    compression: '*string',
    httpHeaders: 'HTTPHeaders',
    source: '*string',
    verification: 'Verification',
  },
  Security: { tls: 'TLS' },
  Storage: {
    directories: '[]Directory',
    disks: '[]Disk',
    files: '[]File',
    filesystems: '[]Filesystem',
    links: '[]Link',
    luks: '[]Luks @2',
    raid: '[]Raid',
  },
  Systemd: { units: '[]Unit' },
  TLS: { certificateAuthorities: '[]CaReference @0..0 | []Resource @1' },
  Tang: { advertisement: '*string @4', thumbprint: '*string', url: 'string' },
  Timeouts: { httpResponseHeaders: '*int', httpTotal: '*int' },
  Unit: { contents: '*string', dropins: '[]Dropin', enabled: '*bool', mask: '*bool', name: 'string!' },
  Verification: { hash: '*string' },
};

/** Spec versions by minor number. */
export const specVersions = [
  '3.0.0',
  '3.1.0',
  '3.2.0',
  '3.3.0',
  '3.4.0',
  '3.5.0',
  '3.6.0',
  '3.7.0-experimental',
] as const;
export type SpecVersion = (typeof specVersions)[number];

const schemas = new Map<number, StructDef>();

/** The `Config` struct of a minor version 0 to 7. */
export function configSchema(minor: number): StructDef {
  let schema = schemas.get(minor);
  if (schema === undefined) {
    schema = resolveSchema([{ goPackage: 'types', version: minor, types: ignitionTypes }], 'Config');
    schemas.set(minor, schema);
  }
  return schema;
}
