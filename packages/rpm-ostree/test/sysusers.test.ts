import { parseSysusers } from '@coppice/systemd';
import { expect, test } from 'vitest';
import { addAccounts } from '../src/assemble/sysusers.ts';
import { formatGroup, formatPasswd, parseGroup, parsePasswd } from '../src/passwd.ts';

const none = { passwd: parsePasswd(''), group: parseGroup('') };
function add(lines: string, passwd = '', group = '', others = none): string[] {
  const out = addAccounts(
    { passwd: parsePasswd(passwd), group: parseGroup(group) },
    parseSysusers(lines).lines,
    others,
  );
  return [formatPasswd(out.passwd), formatGroup(out.group)];
}

test('a user gets a group of its own with the same number, from 999 down', () => {
  expect(add('u a -\nu b - "B b" /b /bin/b\n')).toEqual([
    'a:x:999:999::/:/usr/sbin/nologin\nb:x:998:998:B b:/b:/bin/b\n',
    'a:x:999:\nb:x:998:\n',
  ]);
});

test('given numbers, given groups, members', () => {
  expect(add('u a 72\nu b 73:wheel\nm a wheel\ng wheel 10\n')).toEqual([
    'a:x:72:72::/:/usr/sbin/nologin\nb:x:73:10::/:/usr/sbin/nologin\n',
    'wheel:x:10:a\na:x:72:\n',
  ]);
});

test('what is there stays; numbers of others are not taken again', () => {
  const others = { passwd: parsePasswd('c:x:999:999::/:/bin/sh\n'), group: parseGroup('c:x:999:\n') };
  const a = 'a:x:5:5::/:/bin/sh\n';
  expect(add('u a 9\nu c -\nu d 5\n', a, 'a:x:5:\n', others)).toEqual([
    `${a}d:x:998:998::/:/usr/sbin/nologin\n`,
    'a:x:5:\nd:x:998:\n',
  ]);
});
