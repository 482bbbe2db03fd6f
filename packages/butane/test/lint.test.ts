import { type LintCode, lint, lintRules } from '@coppice/butane';
import { describe, expect, it } from 'vitest';

const head = 'variant: fcos\nversion: 1.6.0\n';
const file = (path: string, inline: string, more = ''): string =>
  `${head}storage:\n  files:\n    - path: ${path}\n${more}      contents:\n        inline: ${JSON.stringify(inline)}\n`;
const unit = (name: string, contents: string): string =>
  `${head}systemd:\n  units:\n    - name: ${name}\n      contents: ${JSON.stringify(contents)}\n`;
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nx\n';
const service = '[Service]\nExecStart=/a\n';

// A config for each rule.
const cases: Readonly<Record<LintCode, string>> = {
  'secret-private-key': file('/etc/k', key, '      mode: 0600\n'),
  'secret-token': file('/etc/a', 'AKIAABCDEFGHIJKLMNOP'),
  'secret-header': `${head}storage:\n  files:\n    - path: /a\n      contents:\n        source: https://x/\n        http_headers: [{name: Authorization, value: Basic eA==}]\n`,
  'secret-url': `${head}storage:\n  files:\n    - path: /a\n      contents:\n        source: https://me:secret@x.example/\n`,
  'secret-luks-key': `${head}storage:\n  luks:\n    - name: d\n      device: /dev/vdb\n      key_file: {inline: x}\n`,
  'password-plain': `${head}passwd:\n  users: [{name: a, password_hash: hunter2}]\n`,
  'password-weak': `${head}passwd:\n  users: [{name: a, password_hash: $1$abc$def}]\n`,
  'user-no-login': `${head}passwd:\n  users: [{name: a}]\n`,
  'source-unverified': `${head}ignition:\n  config:\n    merge: [{source: "http://x.example/"}]\n`,
  'ssh-key-form': `${head}passwd:\n  users: [{name: a, ssh_authorized_keys: [AAAAC3Nz me@host]}]\n`,
  'owner-home': file('/var/home/core/.config/a', 'x'),
  'unit-masked-enabled': `${head}systemd:\n  units: [{name: a.service, mask: true, enabled: true}]\n`,
  'mode-world-writable': file('/etc/a', '', '      mode: 0666\n'),
  'mode-key-readable': file('/etc/k', key),
  'mode-sudoers': file('/etc/sudoers.d/a', 'x', '      mode: 0755\n'),
  'mode-script': file('/etc/a', '#!/bin/sh\n'),
  'path-read-only': file('/usr/bin/a', ''),
  'path-volatile': file('/run/a', ''),
  'path-below-file': `${head}storage:\n  files: [{path: /a}, {path: /a/b}]\n`,
  'unit-no-section': unit('a.service', '[Unit]\nDescription=x\n'),
  'unit-no-exec': unit('a.service', '[Service]\nType=simple\n'),
  'unit-many-exec': unit('a.service', `${service}ExecStart=/b\n`),
  'unit-no-trigger': unit('a.timer', '[Timer]\nPersistent=true\n'),
  'unit-mount-name': unit('a.mount', '[Mount]\nWhat=/dev/x\nWhere=/var/b\n'),
  'unit-unknown-section': unit('a.service', `[Servce]\nA=b\n${service}`),
  'unit-missing-wants': unit('a.service', `[Unit]\nAfter=network-online.target\n${service}`),
  'quadlet-no-section': file('/etc/containers/systemd/a.container', '[Unit]\nDescription=x\n'),
  'quadlet-no-image': file('/etc/containers/systemd/a.container', '[Container]\nExec=x\n'),
  'quadlet-short-image': file('/etc/containers/systemd/a.container', '[Container]\nImage=nginx\n'),
  'quadlet-not-installed': file('/etc/containers/systemd/a.container', '[Container]\nImage=quay.io/a/b\n'),
  'quadlet-enabled': `${file('/etc/containers/systemd/a.container', '[Container]\nImage=quay.io/a/b\n')}systemd:\n  units: [{name: a.service, enabled: true}]\n`,
  'user-data-large': file('/etc/a', Array.from({ length: 9000 }, (_, i) => (i * 7919).toString(36)).join('')),
};

describe('lint', () => {
  it.each(Object.entries(cases))('%s', (code, text) => {
    const done = lint(new TextEncoder().encode(text));
    const found = done.diagnostics.find((each) => each.code === code);
    expect(found, JSON.stringify(done.diagnostics)).toBeDefined();
    expect(found?.message).not.toMatch(/\{\d\}/);
    expect(found?.hint).toBe(lintRules[code as LintCode].explain);
    if (code !== 'user-data-large') expect(found?.line).toBeGreaterThan(2);
  });

  it('takes keys of all kinds, with options and comments', () => {
    const keys = [
      'ssh-rsa AAAA',
      'ecdsa-sha2-nistp256 AAAA= me@host',
      'sk-ssh-ed25519@openssh.com AAAA',
      'from="10.0.0.0/8",command="/a b" ssh-ed25519 AAAA me',
      'cert-authority ssh-rsa-cert-v01@openssh.com AAAA==',
      '# mine',
      '',
    ];
    const text = `${head}passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: ${JSON.stringify(keys)}\n`;
    expect(lint(new TextEncoder().encode(text)).diagnostics).toEqual([]);
  });

  it('tells in the order of the text', () => {
    const text = `${head}systemd:\n  units: [{name: a.service, mask: true, enabled: true}]\nstorage:\n  files: [{path: /run/a}]\npasswd:\n  users: [{name: a, password_hash: x y}]\n`;
    const lines = lint(new TextEncoder().encode(text)).diagnostics.map((each) => each.line);
    expect(lines).toEqual([4, 6, 8]);
  });

  it('is silent about a sound config', () => {
    const text = `${head}passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 AAAA]
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents: {inline: node1}
    - path: /etc/containers/systemd/web.container
      contents:
        inline: |
          [Container]
          Image=quay.io/a/b:1
          [Install]
          WantedBy=multi-user.target
systemd:
  units:
    - name: a.timer
      enabled: true
      contents: |
        [Timer]
        OnCalendar=daily
        [Install]
        WantedBy=timers.target
`;
    expect(lint(new TextEncoder().encode(text)).diagnostics).toEqual([]);
  });

  it('reads Ignition configs too, with places', () => {
    const text = '{"ignition":{"version":"3.4.0"},\n"passwd":{"users":[{"name":"a"}]}}';
    const [found] = lint(new TextEncoder().encode(text)).diagnostics;
    expect(found).toMatchObject({ code: 'user-no-login', line: 2 });
  });
});
