import { fill, type Path, type Report, type Severity } from '@coppice/ignition';

interface LintRule {
  readonly severity: Severity;
  readonly message: string;
  /** Why it matters and what to do, in a few sentences. */
  readonly explain: string;
}

// What a valid config can still get wrong. `{0}` stands for an argument.
export const lintRules = {
  'secret-private-key': {
    severity: 'warning',
    message: 'a private key stands in the config in plain text',
    explain:
      'User data can be read by every process of the instance and by everyone who may describe the instance at the provider. Fetch the key at run time from a secret store, or from a source with an Authorization header that expires.',
  },
  'secret-token': {
    severity: 'warning',
    message: 'looks like a secret in plain text ({0})',
    explain:
      'Passwords, tokens and access keys in user data can be read by every process of the instance. Fetch them at run time, or use a systemd credential.',
  },
  'secret-header': {
    severity: 'warning',
    message: 'the header {0} carries a credential in plain text',
    explain:
      'The credential stays readable in the user data after provisioning. Use one that is short-lived and good for this one file, and verify the contents with a hash.',
  },
  'secret-url': {
    severity: 'warning',
    message: 'the address carries a user name and a password',
    explain: 'Credentials in addresses end up in logs. Use a header, or a signed address that expires.',
  },
  'secret-luks-key': {
    severity: 'warning',
    message: 'the key of the encrypted device stands in the config',
    explain:
      'Whoever reads the user data can open the disk. Use `clevis` with a TPM2 or a Tang server in place of `key_file`.',
  },
  'password-plain': {
    severity: 'error',
    message: 'password_hash holds no hash',
    explain:
      'The value goes into /etc/shadow as it is: the password will not work, and it stands there in plain text. Make a hash with `mkpasswd --method=yescrypt`.',
  },
  'password-weak': {
    severity: 'warning',
    message: 'the password hash is of a weak kind ({0})',
    explain: 'MD5 and DES hashes are broken by trying. Use yescrypt: `mkpasswd --method=yescrypt`.',
  },
  'ssh-key-form': {
    severity: 'error',
    message: 'no public key of OpenSSH',
    explain:
      'A key is one line: options if any, the kind (as `ssh-ed25519`), the key in base64, a comment. It is the text of the file that ends in .pub.',
  },
  'user-no-login': {
    severity: 'info',
    message: 'user {0} has neither a key nor a password',
    explain:
      'Nobody can log in as this user. That is right for service accounts; add `system: true` and a nologin shell.',
  },
  'source-unverified': {
    severity: 'warning',
    message: 'fetched over plain HTTP without a hash',
    explain:
      'Anyone on the way can change what the machine gets. Use https, or add `verification.hash` with the sha512 of the contents.',
  },
  'mode-world-writable': {
    severity: 'warning',
    message: 'everyone may write here (mode {0})',
    explain: 'Any process of the system can change it. Use 0644 or 0755, or 1777 for a shared directory.',
  },
  'mode-key-readable': {
    severity: 'warning',
    message: 'a private key that others can read (mode {0})',
    explain: 'OpenSSH and others refuse such keys. Use mode 0600.',
  },
  'mode-sudoers': {
    severity: 'warning',
    message: 'sudo wants its files closed to others (mode {0})',
    explain: 'Use mode 0440 for files in /etc/sudoers.d.',
  },
  'mode-script': {
    severity: 'info',
    message: 'a script that cannot be executed (mode {0})',
    explain: 'The contents start with `#!`, but the mode has no execute bit. Use 0755.',
  },
  'owner-home': {
    severity: 'warning',
    message: 'lies in the home of {0}, but belongs to {1}',
    explain:
      'The user cannot change it. Set `user: {name: NAME}` and `group: {name: NAME}`, for the directories on the way too: those that Ignition makes itself belong to root.',
  },
  'path-read-only': {
    severity: 'error',
    message: '{0} is read-only at run time: it belongs to the system image',
    explain:
      '/usr comes from the image and is mounted read-only. Put own programs below /usr/local (which is /var/usrlocal) or /opt, and settings below /etc.',
  },
  'path-volatile': {
    severity: 'warning',
    message: '{0} is emptied at every boot',
    explain: '/run, /tmp, /proc, /sys and /dev do not keep files. Use /etc or /var, or a tmpfiles.d entry.',
  },
  'path-below-file': {
    severity: 'error',
    message: 'lies below {0}, which the config makes a file',
    explain: 'A file cannot hold other files. Make it a directory, or move one of the two.',
  },
  'unit-no-section': {
    severity: 'error',
    message: '{0} has no [{1}] section',
    explain: 'systemd refuses to load a unit of this kind without its own section.',
  },
  'unit-no-exec': {
    severity: 'error',
    message: '{0} has nothing to execute',
    explain: 'A service needs ExecStart=, or Type=oneshot with RemainAfterExit=yes and ExecStop=.',
  },
  'unit-many-exec': {
    severity: 'error',
    message: '{0} has several ExecStart= lines without Type=oneshot',
    explain: 'Only oneshot services may have several. Join them in a script, or use ExecStartPre=.',
  },
  'unit-no-trigger': {
    severity: 'error',
    message: '{0} has no {1} setting, so it never starts anything',
    explain:
      'A timer needs OnCalendar=, OnBootSec= or the like; a socket ListenStream= or the like; a path unit PathExists= or the like.',
  },
  'unit-mount-name': {
    severity: 'error',
    message: '{0} mounts {1}, so it has to be named {2}',
    explain: 'The name of a mount unit is its path, escaped: `systemd-escape --path --suffix=mount PATH`.',
  },
  'unit-unknown-section': {
    severity: 'warning',
    message: '{0} has an unknown section [{1}]',
    explain: 'systemd ignores the section and what stands in it. Own sections start with `X-`.',
  },
  'unit-missing-wants': {
    severity: 'info',
    message: '{0} is ordered after {1} but does not want it',
    explain: 'After= alone starts nothing. Add Wants=network-online.target.',
  },
  'unit-masked-enabled': {
    severity: 'warning',
    message: '{0} is masked, so enabling it does nothing',
    explain: 'A masked unit cannot be started at all. Remove `enabled` or `mask`.',
  },
  'quadlet-no-section': {
    severity: 'error',
    message: '{0} has no [{1}] section',
    explain: 'podman makes a unit of a quadlet only when it has the section of its kind.',
  },
  'quadlet-no-image': {
    severity: 'error',
    message: '{0} names no Image= or Rootfs=',
    explain: 'A container quadlet needs an image to run.',
  },
  'quadlet-short-image': {
    severity: 'warning',
    message: '{0} uses the short image name {1}',
    explain:
      'Short names depend on the search list of the machine and may be asked for. Write the registry too, as in quay.io/NAME:TAG.',
  },
  'quadlet-not-installed': {
    severity: 'warning',
    message: '{0} has no [Install] section, so it is not started at boot',
    explain:
      'Generated units cannot be enabled; the [Install] section of the quadlet does it. Add WantedBy=multi-user.target.',
  },
  'quadlet-enabled': {
    severity: 'error',
    message: '{0} is generated from {1} and cannot be enabled',
    explain: 'Units that a generator makes have no file to enable. Remove `enabled`, and add [Install] to the quadlet.',
  },
  'user-data-large': {
    severity: 'warning',
    message: 'the config takes {0} bytes; {1} takes at most {2}',
    explain:
      'The provider cuts or refuses larger user data. Use `coppice config lint --split URL`: the instance gets a small config that fetches the large one and checks its hash.',
  },
} as const satisfies Readonly<Record<string, LintRule>>;

export type LintCode = keyof typeof lintRules;

/** Adds a finding of this table. */
export function found(report: Report, path: Path, code: LintCode, ...args: string[]): void {
  const rule = lintRules[code];
  report.add(rule.severity, path, code, fill(rule.message, args));
}
