import {
  child,
  configSchema,
  decodeConfig,
  type Fields,
  isTrue,
  JsonFault,
  jsonFaultReport,
  jsonPositions,
  LineIndex,
  list,
  maybeInt,
  maybeText,
  type Path,
  pathText,
  Report,
  readJson,
  reportDuplicates,
  reportUnusedKeys,
  type StructDef,
  text,
  texts,
  validateConfig,
  validateIgnitionSection,
  walk,
} from '@coppice/ignition';
import { type ButaneCode, report } from './messages-table.ts';
import { looksDecimal } from './mode.ts';
import { isQuadletName, quadletTemplate } from './quadlets.ts';
import { rawBytes } from './text-bytes.ts';
import type { Spec } from './versions-table.ts';

type SourceRule = (value: Fields, path: Path, spec: Spec, to: Report) => void;

const error = (to: Report, path: Path, code: ButaneCode): void => report(to, 'error', path, code);

/** Only one source, and a merged config in `inline` must be one. */
const resource: SourceRule = (value, path, spec, to) => {
  const given = ['local', 'inline', 'source'].filter((name) => value[name] !== undefined);
  if (given.length > 1) {
    error(to, [...path, spec.base === 1 ? 'inline' : given.at(-1)!], 'too-many-sources');
    return;
  }
  if (given[0] === 'inline' && pathText(path).startsWith('$.ignition.config'))
    checkMergedConfig(rawBytes(text(value, 'inline')), path, spec, to);
};

function checkMergedConfig(bytes: Uint8Array, path: Path, spec: Spec, to: Report): void {
  const node = readJson(bytes);
  const schema = configSchema(spec.ignition);
  const config = node instanceof JsonFault ? node : decodeConfig(node, schema);
  if (config instanceof JsonFault || node instanceof JsonFault) {
    to.merge(jsonFaultReport(config as JsonFault, bytes));
    to.error([...path, 'inline'], 'config-invalid');
    return;
  }
  const section = new Report();
  validateIgnitionSection(child(config, 'ignition') ?? {}, spec.ignition, section, '2.26');
  if (section.entries.some((entry) => entry.code === 'version-unknown')) {
    report(to, 'warning', [...path, 'version'], 'merged-config-unknown-version');
    return;
  }
  const nested = new Report();
  validateConfig(config, spec.ignition, nested, '2.26');
  if (config['ignition'] === undefined) nested.error(['ignition', 'version'], 'version-unparsable');
  reportDuplicates(config, schema, nested);
  reportUnusedKeys(config, schema, jsonPositions(node, new LineIndex(bytes)), nested);
  for (const entry of nested.entries) entry.space = 'source';
  to.merge(nested);
}

const filesystem: SourceRule = (value, path, spec, to) => {
  if (!isTrue(value, 'with_mount_unit')) return;
  const format = text(value, 'format');
  const noPath = text(value, 'path') === '';
  if (spec.base <= 3) {
    if (noPath) error(to, [...path, 'path'], 'mount-unit-path');
    if (format === '') error(to, [...path, 'format'], 'mount-unit-format');
  } else if (format === '') error(to, [...path, 'format'], 'mount-unit-format');
  else if (format !== 'swap' && noPath) error(to, [...path, 'path'], 'mount-unit-path');
};

const mode =
  (directory: boolean): SourceRule =>
  (value, path, _spec, to) => {
    const bits = maybeInt(value, 'mode');
    if (bits !== undefined && looksDecimal(bits, directory)) report(to, 'warning', [...path, 'mode'], 'mode-decimal');
  };

const tree: SourceRule = (value, path, _spec, to) => {
  if (text(value, 'local') === '') error(to, path, 'tree-local-required');
};

const oneContents: SourceRule = (value, path, _spec, to) => {
  if (value['contents'] !== undefined && value['contents_local'] !== undefined)
    error(to, [...path, 'contents_local'], 'too-many-contents');
};

const quadlet: SourceRule = (value, path, spec, to) => {
  const name = text(value, 'name');
  if (!isQuadletName(name)) {
    error(to, [...path, 'name'], 'quadlet-extension');
    return;
  }
  if (quadletTemplate(name) === undefined) {
    oneContents(value, path, spec, to);
    return;
  }
  for (const field of ['contents', 'contents_local'])
    if (value[field] !== undefined) error(to, [...path, field], 'quadlet-instance-contents');
};

/** Warnings and errors of fcos 1.6 and later; openshift has rules of its own in their place. */
const fcosConfig: SourceRule = (value, path, _spec, to) => {
  const storage = child(value, 'storage');
  list(storage, 'disks').forEach((disk, i) => {
    if (text(disk, 'device') === '/dev/disk/by-id/coreos-boot-disk' || isTrue(disk, 'wipe_table')) return;
    if (mirrorDevices(value).includes(text(disk, 'device'))) return;
    list(disk, 'partitions').forEach((partition, p) => {
      if ((maybeInt(partition, 'number') ?? 0) === 0 && maybeText(partition, 'label') !== undefined)
        report(to, 'warning', [...path, 'storage', 'disks', i, 'partitions', p, 'number'], 'partition-reuse-by-label');
    });
  });
  list(storage, 'filesystems').forEach((item, i) => {
    const mount = maybeText(item, 'path');
    if (mount !== undefined && isTrue(item, 'with_mount_unit') && !/^\/(etc|var)(\/|$)/.test(mount))
      error(to, [...path, 'storage', 'filesystems', i, 'path'], 'mount-point-forbidden');
  });
};

function mirrorDevices(config: Fields): readonly string[] {
  return texts(child(child(config, 'boot_device'), 'mirror'), 'devices');
}

const openshiftConfig: SourceRule = (value, path, _spec, to) => {
  const missing = !texts(child(value, 'openshift'), 'kernel_arguments').includes('rd.luks.key=/etc/luks/cex.key');
  if (!missing) return;
  const boot = isTrue(child(child(child(value, 'boot_device'), 'luks'), 'cex'), 'enabled');
  const root = list(child(value, 'storage'), 'luks').some(
    (luks) => text(luks, 'name') === 'root' && isTrue(child(luks, 'cex'), 'enabled'),
  );
  // Once for the sugar, once for the volume.
  for (const cex of [boot, root]) if (cex) error(to, [...path, 'openshift', 'kernel_arguments'], 'cex-kernel-argument');
};

const config: SourceRule = (value, path, spec, to) => {
  if (spec.openshift !== undefined) {
    if (spec.openshift >= 19) openshiftConfig(value, path, spec, to);
  } else if (spec.fcos !== undefined && spec.fcos >= 6) fcosConfig(value, path, spec, to);
};

const bootDevice: SourceRule = (value, path, spec, to) => {
  const fcos = spec.fcos!;
  const layout = maybeText(value, 'layout');
  const luks = child(value, 'luks');
  const mirror = child(value, 'mirror');
  const mirrored = texts(mirror, 'devices').length > 0;
  const at = [...path, 'layout'];
  if (layout === undefined && mirrored)
    report(to, fcos >= 7 ? 'error' : 'warning', [...path, 'mirror'], 'boot-layout-missing');
  if (layout !== undefined) {
    if (fcos >= 6) checkLayout(layout, luks, at, to);
    else if (!['aarch64', 'ppc64le', 'x86_64'].includes(layout)) error(to, at, 'boot-layout-unknown-legacy');
    if (fcos >= 6 && layout.startsWith('s390x') && mirrored) error(to, at, 'boot-mirror-layout');
  }
  if (isTrue(child(luks, 'cex'), 'enabled')) {
    if (layout === undefined) error(to, [...path, 'luks', 'cex'], 'boot-cex-layout');
    else if (!layout.startsWith('s390x')) error(to, at, 'boot-cex-layout');
    if (list(luks, 'tang').length > 0 || isTrue(luks, 'tpm2')) error(to, [...path, 'luks'], 'boot-cex-clevis');
  }
  if (mirror !== undefined) bootMirror(mirror, [...path, 'mirror'], spec, to);
};

function checkLayout(layout: string, luks: Fields | undefined, at: Path, to: Report): void {
  const device = text(luks, 'device');
  switch (layout) {
    case 'aarch64':
    case 'ppc64le':
    case 'x86_64':
    case 's390x-virt':
      return;
    case 's390x-eckd':
    case 's390x-zfcp': {
      const names = layout === 's390x-eckd' ? /\/dev\/dasd[a-z]$/ : /\/dev\/sd[a-z]$/;
      if (device === '') error(to, at, 'boot-luks-device-missing');
      else if (!names.test(device)) error(to, at, 'boot-luks-device-name');
      return;
    }
    default:
      error(to, at, 'boot-layout-unknown');
  }
}

/** A device needs a way to unlock it; the original says so at a `luks` below the section itself. */
const bootLuks: SourceRule = (value, path, spec, to) => {
  if (spec.fcos! < 7 || text(value, 'device') === '') return;
  const unlocks =
    list(value, 'tang').some((tang) => ['url', 'thumbprint', 'advertisement'].some((name) => isGiven(tang, name))) ||
    isTrue(value, 'tpm2') ||
    isTrue(child(value, 'cex'), 'enabled');
  if (!unlocks) error(to, [...path, 'luks'], 'boot-luks-method-missing');
};

/** Whether a field is set; the `url` is no pointer, so an empty one is not. */
function isGiven(tang: Fields, name: string): boolean {
  return name === 'url' ? text(tang, name) !== '' : tang[name] !== undefined;
}

const bootMirror: SourceRule = (value, path, _spec, to) => {
  if (texts(value, 'devices').length === 1) error(to, [...path, 'devices'], 'boot-mirror-devices');
};

const grubUser: SourceRule = (value, path, _spec, to) => {
  if (text(value, 'name') === '') error(to, [...path, 'name'], 'grub-user-name');
  if (text(value, 'password_hash') === '') error(to, [...path, 'password_hash'], 'grub-user-password');
};

const metadata: SourceRule = (value, path, _spec, to) => {
  if (text(value, 'name') === '') error(to, [...path, 'name'], 'metadata-name');
  if (text(child(value, 'labels'), 'machineconfiguration.openshift.io/role') === '')
    error(to, [...path, 'labels'], 'metadata-role');
};

const openshift: SourceRule = (value, path, _spec, to) => {
  if (!['', 'default', 'realtime'].includes(text(value, 'kernel_type')))
    error(to, [...path, 'kernel_type'], 'kernel-type');
};

/** The rules of each source type. */
const rules: Readonly<Record<string, SourceRule>> = {
  BootDevice: bootDevice,
  BootDeviceLuks: bootLuks,
  BootDeviceMirror: bootMirror,
  Config: config,
  Directory: mode(true),
  Dropin: oneContents,
  File: mode(false),
  FileContents: resource,
  Filesystem: filesystem,
  GrubUser: grubUser,
  Metadata: metadata,
  OpenShift: openshift,
  Quadlet: quadlet,
  Resource: resource,
  Tree: tree,
  Unit: oneContents,
};

/** Checks a source config, a struct before its fields in order of declaration. */
export function checkSource(value: Fields, schema: StructDef, spec: Spec, to: Report): void {
  walk(value, schema, [], {
    struct(fields, type, path) {
      rules[type.name]?.(fields, path, spec, to);
    },
  });
}
