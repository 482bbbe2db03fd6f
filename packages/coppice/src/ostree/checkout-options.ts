import type { OstreeLevel } from '@coppice/ostree';
import type { GOption } from '../cli/goption.ts';
import { booleanArgument } from './boolean-argument.ts';

/** The options of `checkout`, in help order. */
export function checkoutOptions(level: OstreeLevel): readonly GOption[] {
  return [
    { long: 'user-mode', short: 'U', help: 'Do not change file ownership or initialize extended attributes' },
    { long: 'disable-cache', help: 'Do not update or use the internal repository uncompressed object cache' },
    { long: 'subpath', arg: 'PATH', filename: true, help: 'Checkout sub-directory PATH' },
    { long: 'union', help: 'Keep existing directories, overwrite existing files' },
    { long: 'union-add', help: 'Keep existing files/directories, only add new' },
    {
      long: 'union-identical',
      help: 'When layering checkouts, error out if a file would be replaced with a different version, but add new files and directories',
    },
    { long: 'whiteouts', help: "Process 'whiteout' (Docker style) entries" },
    { long: 'process-passthrough-whiteouts', help: 'Enable overlayfs whiteout extraction into char 0:0 devices' },
    { long: 'allow-noent', help: 'Do nothing if specified path does not exist' },
    { long: 'from-stdin', help: 'Process many checkouts from standard input' },
    { long: 'from-file', arg: 'FILE', help: 'Process many checkouts from input file' },
    { long: 'fsync', arg: 'POLICY', help: 'Specify how to invoke fsync()', check: booleanArgument },
    { long: 'require-hardlinks', short: 'H', help: 'Do not fall back to full copies if hardlinking fails' },
    { long: 'force-copy', short: 'C', help: 'Never hardlink (but may reflink if available)' },
    { long: 'force-copy-zerosized', short: 'z', hidden: true },
    {
      long: 'bareuseronly-dirs',
      short: 'M',
      help: 'Suppress mode bits outside of 0775 for directories (suid, world writable, etc.)',
    },
    { long: 'skip-list', arg: 'FILE', filename: true, help: 'File containing list of files to skip' },
    {
      long: 'selinux-policy',
      arg: 'PATH',
      filename: true,
      help: 'Set SELinux labels based on policy in root filesystem PATH (may be /); implies --force-copy',
    },
    { long: 'selinux-prefix', arg: 'PREFIX', help: 'When setting SELinux labels, prefix all paths by PREFIX' },
    ...(level === '2026.4'
      ? [
          { long: 'composefs', help: 'Only create a composefs blob' },
          { long: 'composefs-noverity', help: 'Only create a composefs blob, and disable fsverity' },
        ]
      : []),
  ];
}
