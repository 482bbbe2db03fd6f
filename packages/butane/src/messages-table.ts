import { fill, type IgnitionCode, ignitionMessages, type Path, type Report, type Severity } from '@coppice/ignition';

// Every finding about a Butane config beyond those about the Ignition config that it becomes.
export const butaneMessages = {
  'too-many-sources': 'only one of the following can be set: inline, local, source',
  'too-many-contents': 'only one of the following can be set: contents, contents_local',
  'files-dir-escape': 'local file path traverses outside the files directory',
  'files-dir-missing': 'local file paths are relative to a files directory that must be specified with -d/--files-dir',
  'file-error': '{0}',
  'tree-file-type': 'trees may only contain files, directories, and symlinks',
  'tree-not-directory': 'root of tree must be a directory',
  'tree-local-required': 'local is required',
  'node-exists': 'matching filesystem node has existing contents or different type',
  'mode-decimal': 'unreasonable mode would be reasonable if specified in octal; remember to add a leading zero',
  'mount-unit-path': 'path is required if with_mount_unit is true and format is not swap',
  'mount-unit-format': 'format is required if with_mount_unit is true',
  'mount-point-forbidden': 'path must be under /etc or /var if with_mount_unit is true',
  'boot-layout-unknown-legacy': 'layout must be one of: aarch64, ppc64le, x86_64',
  'boot-layout-unknown': 'layout must be one of: aarch64, ppc64le, s390x-eckd, s390x-virt, s390x-zfcp, x86_64',
  'boot-layout-missing': 'boot_device.layout should be specified when boot_device.mirror is specified',
  'boot-luks-device-missing': 'device is required for layouts: s390x-eckd, s390x-zfcp',
  'boot-luks-device-name': 'device name must start with /dev/dasd on s390x-eckd layout or /dev/sd on s390x-zfcp layout',
  'boot-luks-method-missing': 'no method specified for luks',
  'boot-mirror-layout': 'mirroring not supported on layouts: s390x-eckd, s390x-zfcp, s390x-virt',
  'boot-mirror-devices': 'mirroring requires at least two devices',
  'boot-cex-layout': 'when using cex the targeted architecture must match s390x',
  'boot-cex-clevis': 'cannot use cex with clevis',
  'cex-kernel-argument':
    "'rd.luks.key=/etc/luks/cex.key' must be set as kernel argument when CEX is enabled for the boot device",
  'partition-reserved-label': 'incorrect partition number; a new partition will be created using reserved label',
  'partition-root-small': 'root should have 8GiB of space assigned',
  'partition-root-constrained':
    'root partition cannot expand; it is set to fill available space but is followed by an auto-positioned partition',
  'partition-reuse-by-label':
    'partitions cannot be reused by label; number must be specified except on boot disk (/dev/disk/by-id/coreos-boot-disk) or when wipe_table is true',
  'grub-user-name': 'field "name" is required',
  'grub-user-password': 'field "password_hash" is required',
  'quadlet-extension':
    'unsupported file extension for quadlet: must be one of .container, .volume, .network, .kube, .image, .build, .pod, or .artifact',
  'quadlet-instance-contents': 'template instances cannot have contents or contents_local',
  'merged-config-unknown-version': 'skipping validation for the merge/replace ignition config due to an unkown version',
  'metadata-name': 'metadata.name is required',
  'metadata-role': 'machineconfiguration.openshift.io/role label is required',
  'kernel-type': 'must be empty, "default", or "realtime"',
  'field-elided': 'field ignored in raw mode',
  'unsupported-btrfs': 'btrfs is not supported in this spec version',
  'unsupported-filesystem-none': 'format "none" is not supported in this spec version',
  'unsupported-directories': 'directories are not supported in this spec version',
  'unsupported-links': 'links are not supported in this spec version',
  'unsupported-groups': 'groups are not supported in this spec version',
  'unsupported-append': 'appending to files is not supported in this spec version',
  'unsupported-compression': 'file compression is not supported in this spec version',
  'unsupported-headers': 'file HTTP headers are not supported in this spec version',
  'unsupported-file-scheme': 'file contents source must be data URL in this spec version',
  'unsupported-special-mode': 'special mode bits are not supported in this spec version',
  'unsupported-user-field':
    'fields other than "name", "ssh_authorized_keys", and "password_hash" (4.13.0+) are not supported in this spec version',
  'unsupported-user-name': 'users other than "core" are not supported in this spec version',
  'unsupported-kernel-arguments':
    'this section cannot be used for kernel arguments in this spec version; use openshift.kernel_arguments instead',
  'unsupported-kernel-customization': 'kernel argument customization is not supported in this spec version',
  'unsupported-disks': 'disk customization is not supported in this spec version',
  'unsupported-filesystems': 'filesystem customization is not supported in this spec version',
  'unsupported-luks': 'luks is not supported in this spec version',
  'unsupported-raid': 'raid is not supported in this spec version',
  'unsupported-clevis': 'clevis is not supported in this spec version',
  'unsupported-cex': 'cex is not currently supported on the target platform',
} as const;

export type ButaneCode = keyof typeof butaneMessages;

/** Adds a finding of the Butane table to a report. */
export function report(to: Report, severity: Severity, path: Path, code: ButaneCode, ...args: string[]): void {
  to.add(severity, path, code, fill(butaneMessages[code], args));
}

/** The text of any finding's code. */
export function messageText(code: ButaneCode | IgnitionCode): string {
  return { ...ignitionMessages, ...butaneMessages }[code];
}
