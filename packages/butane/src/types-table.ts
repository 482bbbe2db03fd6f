import type { TypeTable } from '@coppice/ignition';

// The Butane config types in Go's order of declaration. `@n` in a layer is that layer's own version: 1 to 8 of the base,
// the minor version of fcos, the minor version of openshift. `~` marks sugar: fields with no counterpart in Ignition.

/** What all variants share. */
export const baseTypes = {
  CaReference: { source: 'string', verification: 'Verification' },
  Cex: { enabled: '*bool' },
  Clevis: {
    custom: '*Custom @1..3 | ClevisCustom @4',
    tang: '[]Tang',
    threshold: '*int',
    tpm2: '*bool',
  },
  ClevisCustom: { config: '*string', needs_network: '*bool', pin: '*string' },
  Config: {
    version: 'string ~',
    variant: 'string ~',
    ignition: 'Ignition',
    kernel_arguments: 'KernelArguments @4',
    passwd: 'Passwd',
    storage: 'Storage',
    systemd: 'Systemd',
  },
  ConfigReference: { source: '*string', verification: 'Verification' },
  Custom: { config: 'string', needs_network: '*bool', pin: 'string' },
  Directory: { group: 'NodeGroup', overwrite: '*bool', path: 'string', user: 'NodeUser', mode: '*int' },
  Disk: { device: 'string', partitions: '[]Partition', wipe_table: '*bool' },
  Dropin: { contents: '*string', contents_local: '*string @5 ~', name: 'string' },
  File: {
    group: 'NodeGroup',
    overwrite: '*bool',
    path: 'string',
    user: 'NodeUser',
    append: '[]FileContents @1..1 | []Resource @2',
    contents: 'FileContents @1..1 | Resource @2',
    mode: '*int',
  },
  FileContents: { compression: '*string', source: '*string', inline: '*string ~', verification: 'Verification' },
  Filesystem: {
    device: 'string',
    format: '*string',
    label: '*string',
    mount_options: '[]string @2',
    options: '[]FilesystemOption @1..1 | []string @2',
    path: '*string',
    uuid: '*string',
    wipe_filesystem: '*bool',
    with_mount_unit: '*bool @2 ~',
  },
  HTTPHeader: { name: 'string', value: '*string' },
  Ignition: { config: 'IgnitionConfig', proxy: 'Proxy @2', security: 'Security', timeouts: 'Timeouts' },
  IgnitionConfig: {
    merge: '[]ConfigReference @1..1 | []Resource @2',
    replace: 'ConfigReference @1..1 | Resource @2',
  },
  KernelArguments: { should_exist: '[]KernelArgument', should_not_exist: '[]KernelArgument' },
  Link: {
    group: 'NodeGroup',
    overwrite: '*bool',
    path: 'string',
    user: 'NodeUser',
    hard: '*bool',
    target: 'string @1..3 | *string @4',
  },
  Luks: {
    cex: 'Cex @6',
    clevis: '*Clevis @1..3 | Clevis @4',
    device: '*string',
    discard: '*bool @5',
    key_file: 'Resource',
    label: '*string',
    name: 'string',
    open_options: '[]string @5',
    options: '[]LuksOption @1..4 | []string @5',
    uuid: '*string',
    wipe_volume: '*bool',
  },
  NodeGroup: { id: '*int', name: '*string' },
  NodeUser: { id: '*int', name: '*string' },
  Partition: {
    guid: '*string',
    label: '*string',
    number: 'int',
    resize: '*bool @3',
    should_exist: '*bool',
    size_mib: '*int',
    start_mib: '*int',
    type_guid: '*string',
    wipe_partition_entry: '*bool',
  },
  Passwd: { groups: '[]PasswdGroup', users: '[]PasswdUser' },
  PasswdGroup: {
    gid: '*int',
    name: 'string',
    password_hash: '*string',
    should_exist: '*bool @3',
    system: '*bool',
  },
  PasswdUser: {
    gecos: '*string',
    groups: '[]Group',
    home_dir: '*string',
    name: 'string',
    no_create_home: '*bool',
    no_log_init: '*bool',
    no_user_group: '*bool',
    password_hash: '*string',
    primary_group: '*string',
    should_exist: '*bool @3',
    ssh_authorized_keys: '[]SSHAuthorizedKey',
    ssh_authorized_keys_local: '[]string @5 ~',
    shell: '*string',
    system: '*bool',
    uid: '*int',
  },
  Proxy: { http_proxy: '*string', https_proxy: '*string', no_proxy: '[]string' },
  Quadlet: {
    contents: '*string',
    contents_local: '*string',
    dropins: '[]Dropin',
    name: 'string',
    rootful: 'bool',
  },
  Raid: {
    devices: '[]Device',
    level: 'string @1..3 | *string @4',
    name: 'string',
    options: '[]RaidOption @1..4 | []string @5',
    spares: '*int',
  },
  Resource: {
    compression: '*string',
    http_headers: 'HTTPHeaders',
    source: '*string',
    inline: '*string ~',
    local: '*string ~',
    verification: 'Verification',
  },
  Security: { tls: 'TLS' },
  Storage: {
    directories: '[]Directory',
    disks: '[]Disk',
    files: '[]File',
    filesystems: '[]Filesystem',
    links: '[]Link',
    luks: '[]Luks @3',
    raid: '[]Raid',
    trees: '[]Tree @2 ~',
  },
  Systemd: { units: '[]Unit', quadlets: '[]Quadlet @8 ~' },
  TLS: { certificate_authorities: '[]CaReference @1..1 | []Resource @2' },
  Tang: { thumbprint: '*string', url: 'string', advertisement: '*string @5' },
  Timeouts: { http_response_headers: '*int', http_total: '*int' },
  Tree: {
    group: 'NodeGroup @7',
    local: 'string',
    path: '*string',
    user: 'NodeUser @7',
    file_mode: '*int @7',
    dir_mode: '*int @7',
  },
  Unit: {
    contents: '*string',
    contents_local: '*string @5 ~',
    dropins: '[]Dropin',
    enabled: '*bool',
    mask: '*bool',
    name: 'string',
  },
  Verification: { hash: '*string' },
} as const satisfies TypeTable;

/** Fedora CoreOS, and through it OpenShift. */
export const fcosTypes = {
  BootDevice: { layout: '*string', luks: 'BootDeviceLuks', mirror: 'BootDeviceMirror' },
  BootDeviceLuks: {
    cex: 'Cex @6',
    discard: '*bool @5',
    device: '*string @6',
    tang: '[]Tang',
    threshold: '*int',
    tpm2: '*bool',
  },
  BootDeviceMirror: { devices: '[]string' },
  Grub: { users: '[]GrubUser' },
  GrubUser: { name: 'string', password_hash: '*string' },
} as const satisfies TypeTable;

/** Fields that fcos adds to the config. */
export const fcosConfigFields = {
  boot_device: 'BootDevice @3 ~',
  grub: 'Grub @5 ~',
} as const satisfies Readonly<Record<string, string>>;

export const openshiftTypes = {
  Metadata: { name: 'string', labels: 'map[string]string' },
  OpenShift: {
    kernel_arguments: '[]string',
    extensions: '[]string',
    fips: '*bool',
    kernel_type: '*string',
  },
} as const satisfies TypeTable;

export const openshiftConfigFields = {
  metadata: 'Metadata ~',
  openshift: 'OpenShift ~',
} as const satisfies Readonly<Record<string, string>>;

/** The MachineConfig that openshift configs become; `Config` is Ignition's. */
export const machineConfigTypes: TypeTable = {
  MachineConfig: { apiVersion: 'string!', kind: 'string!', metadata: 'ObjectMeta!', spec: 'Spec!' },
  ObjectMeta: { name: 'string!', labels: 'map[string]string' },
  Spec: {
    config: 'Config!',
    kernelArguments: '[]string',
    extensions: '[]string',
    fips: '*bool',
    kernelType: '*string',
  },
};
