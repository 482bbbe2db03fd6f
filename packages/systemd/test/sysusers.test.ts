import { parseSysusers } from '@coppice/systemd';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('parseSysusers', () => {
  it('reads all kinds of lines', () => {
    const text =
      '# c\nu httpd 48:apache "Apache web server" /usr/share/httpd /sbin/nologin\ng tty 5\nm a b\nr - 500-510\n';
    expect(parseSysusers(text)).toEqual({
      faults: [],
      lines: [
        {
          type: 'user',
          name: 'httpd',
          uid: 48,
          group: 'apache',
          gecos: 'Apache web server',
          home: '/usr/share/httpd',
          shell: '/sbin/nologin',
        },
        { type: 'group', name: 'tty', gid: 5 },
        { type: 'member', user: 'a', group: 'b' },
        { type: 'range', from: 500, to: 510 },
      ],
    });
  });

  it('lists what it cannot take', () => {
    for (const line of [
      'x a',
      'u',
      'u a:b',
      'u a 65535',
      'u a 99999999999',
      'g a /etc/passwd',
      'u a - "open',
      'm a',
      'r a 1-2',
      'r - x',
    ])
      expect(parseSysusers(line), line).toEqual({ lines: [], faults: [`line 1: ${line}`] });
  });

  it('answers any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        parseSysusers(text);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
