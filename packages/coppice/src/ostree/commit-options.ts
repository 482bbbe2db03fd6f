import type { OstreeLevel } from '@coppice/ostree';
import type { GOption } from '../cli/goption.ts';
import { booleanArgument } from './boolean-argument.ts';

/** The options of `commit`, in help order. */
export function commitOptions(level: OstreeLevel): readonly GOption[] {
  const newest = level === '2026.4';
  return [
    { long: 'parent', arg: 'COMMIT', help: 'Parent commit checksum, or "none"' },
    { long: 'subject', short: 's', arg: 'SUBJECT', help: 'One line subject' },
    { long: 'body', short: 'm', arg: 'BODY', help: 'Full description' },
    { long: 'body-file', short: 'F', arg: 'FILE', filename: true, help: 'Commit message from FILE path' },
    { long: 'editor', short: 'e', help: 'Use an editor to write the commit message' },
    { long: 'branch', short: 'b', arg: 'BRANCH', help: 'Branch' },
    { long: 'orphan', help: 'Create a commit without writing a ref' },
    { long: 'no-bindings', help: 'Do not write any ref bindings' },
    { long: 'bind-ref', arg: 'BRANCH', type: 'strings', help: 'Add a ref to ref binding commit metadata' },
    { long: 'base', arg: 'REV', help: 'Start from the given commit as a base (no modifiers apply)' },
    {
      long: 'tree',
      arg: 'dir=PATH or tar=TARFILE or ref=COMMIT',
      type: 'strings',
      help: 'Overlay the given argument as a tree',
    },
    { long: 'add-metadata-string', arg: 'KEY=VALUE', type: 'strings', help: 'Add a key/value pair to metadata' },
    {
      long: 'add-metadata',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Add a key/value pair to metadata, where the KEY is a string, and VALUE is in GVariant Text Format',
    },
    {
      long: 'keep-metadata',
      arg: 'KEY',
      type: 'strings',
      help: 'Keep metadata KEY and its associated VALUE from parent',
    },
    {
      long: 'add-detached-metadata-string',
      arg: 'KEY=VALUE',
      type: 'strings',
      help: 'Add a key/value pair to detached metadata',
    },
    { long: 'owner-uid', arg: 'UID', type: 'int', help: 'Set file ownership user id' },
    { long: 'owner-gid', arg: 'GID', type: 'int', help: 'Set file ownership group id' },
    {
      long: 'canonical-permissions',
      help: 'Canonicalize permissions in the same way bare-user does for hardlinked files',
    },
    { long: 'bootable', help: 'Flag this commit as a bootable OSTree (e.g. contains a Linux kernel)' },
    { long: 'mode-ro-executables', help: 'Ensure executable files are not writable' },
    { long: 'no-xattrs', help: 'Do not import extended attributes' },
    {
      long: 'selinux-policy',
      arg: 'PATH',
      filename: true,
      help: 'Set SELinux labels based on policy in root filesystem PATH (may be /)',
    },
    {
      long: 'selinux-policy-from-base',
      short: 'P',
      help: 'Set SELinux labels based on first --tree argument',
    },
    ...(newest
      ? [
          {
            long: 'selinux-labeling-epoch',
            arg: '',
            type: 'int' as const,
            help: 'Configure the default SELinux labeling rules; 0 is the default, 1 enables labeling /usr/etc as /etc',
          },
        ]
      : []),
    {
      long: 'link-checkout-speedup',
      help: 'Optimize for commits of trees composed of hardlinks into the repository',
    },
    {
      long: 'devino-canonical',
      short: 'I',
      help: 'Assume hardlinked objects are unmodified.  Implies --link-checkout-speedup',
    },
    {
      long: 'tar-autocreate-parents',
      help: 'When loading tar archives, automatically create parent directories as needed',
    },
    {
      long: 'tar-pathname-filter',
      arg: 'REGEX,REPLACEMENT',
      help: 'When loading tar archives, use REGEX,REPLACEMENT against path names',
    },
    { long: 'skip-if-unchanged', help: 'If the contents are unchanged from previous commit, do nothing' },
    {
      long: 'statoverride',
      arg: 'PATH',
      filename: true,
      help: 'File containing list of modifications to make to permissions',
    },
    { long: 'skip-list', arg: 'PATH', filename: true, help: 'File containing list of files to skip' },
    { long: 'consume', help: 'Consume (delete) content after commit (for local directories)' },
    { long: 'table-output', help: 'Output more information in a KEY: VALUE format' },
    { long: 'gpg-sign', arg: 'KEY-ID', type: 'strings', help: 'GPG Key ID to sign the commit with' },
    { long: 'gpg-homedir', arg: 'HOMEDIR', filename: true, help: 'GPG Homedir to use when looking for keyrings' },
    { long: 'sign', arg: 'KEY_ID', type: 'strings', help: 'Sign the commit with' },
    ...(newest
      ? [
          {
            long: 'sign-from-file',
            arg: 'PATH',
            type: 'strings' as const,
            help: 'Sign the commit with key from the provided file',
          },
        ]
      : []),
    { long: 'sign-type', arg: 'NAME', help: "Signature type to use (defaults to 'ed25519')" },
    { long: 'generate-sizes', help: 'Generate size information along with commit metadata' },
    ...(newest ? [{ long: 'generate-composefs-metadata', help: 'Generate composefs commit metadata' }] : []),
    { long: 'disable-fsync', hidden: true },
    { long: 'fsync', arg: 'POLICY', check: booleanArgument, help: 'Specify how to invoke fsync()' },
    { long: 'timestamp', arg: 'TIMESTAMP', help: 'Override the timestamp of the commit' },
  ];
}
