import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostFs } from '@coppice/linux';
import { compilePattern, LabelPolicy, loadPolicy, parseFileContexts, parseSubstitutions } from '@coppice/selinux';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const text = `# comment
/.*\tsystem_u:object_r:default_t:s0
/usr(/.*)?\tsystem_u:object_r:usr_t:s0
/usr/bin(/.*)?\tsystem_u:object_r:bin_t:s0
/usr/bin/ls\t--\tsystem_u:object_r:ls_exec_t:s0
/usr/bin/l.\t--\tsystem_u:object_r:never_t:s0
/dev/[^/]*\t-c\tsystem_u:object_r:device_t:s0
/dev/null\t-c\tsystem_u:object_r:null_device_t:s0
/proc(/.*)?\t<<none>>
/etc/x\\.conf\tsystem_u:object_r:x_etc_t:s0
/var/run/[[:digit:]]+\\.pid\tsystem_u:object_r:pid_t:s0
`;

const policy = new LabelPolicy({
  name: 'test',
  specs: parseFileContexts(text),
  substitutions: parseSubstitutions('/srv/tools /usr/bin\n'),
  distributionSubstitutions: parseSubstitutions('# x\n/bin /usr/bin\n/run /var/run\n'),
});

const type = (path: string, mode = 0o100644): string | undefined => policy.label(path, mode)?.split(':')[2];

describe('labels', () => {
  it('prefers paths without special characters, then the last match', () => {
    expect(type('/usr/bin/ls')).toBe('ls_exec_t');
    expect(type('/usr/bin/lt')).toBe('never_t');
    expect(type('/usr/bin/cat')).toBe('bin_t');
    expect(type('/usr')).toBe('usr_t');
    expect(type('/usrx')).toBe('default_t');
    expect(type('/')).toBe('default_t');
  });

  it('goes by the type of the entry', () => {
    expect(type('/usr/bin/ls', 0o040755)).toBe('bin_t');
    expect(type('/usr/bin/ls', 0)).toBe('ls_exec_t');
    expect(type('/dev/null', 0o020666)).toBe('null_device_t');
    expect(type('/dev/sda', 0o060660)).toBe('default_t');
  });

  it('knows files that have no label, escapes and classes', () => {
    expect(policy.label('/proc/1', 0o040555)).toBeUndefined();
    expect(type('/etc/x.conf')).toBe('x_etc_t');
    expect(type('/etc/xyconf')).toBe('default_t');
    expect(type('/var/run/12.pid')).toBe('pid_t');
  });

  it('substitutes aliases, the local ones first', () => {
    expect(type('/bin/ls')).toBe('ls_exec_t');
    expect(type('/binx')).toBe('default_t');
    expect(type('/run/7.pid')).toBe('pid_t');
    expect(type('/srv/tools/ls')).toBe('ls_exec_t');
  });

  it('cleans paths', () => {
    expect(type('//usr///bin//ls')).toBe('ls_exec_t');
    expect(type('/usr/bin/', 0o040755)).toBe('bin_t');
  });

  it('takes any path', () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        policy.label(`/${path}`, 0o100644);
      }),
      { seed: 4 },
    );
  });
});

describe('file_contexts', () => {
  it('refuses lines that are none', () => {
    for (const bad of ['/a', '/a -q x', '/a -- x y'])
      expect(() => parseFileContexts(`/ok x:y:z\n${bad}\n`)).toThrow('file_contexts: line 2 is not a file context');
  });

  it('matches whole paths only', () => {
    expect(compilePattern('/a.c').test('/a\nc')).toBe(true);
    expect(compilePattern('/a|/b').test('/xb')).toBe(false);
    expect(compilePattern('/a|/b').test('/b')).toBe(true);
  });
});

describe('the policy of a root', () => {
  it('is read from etc or usr/etc, when it is enabled', () => {
    const root = mkdtempSync(join(tmpdir(), 'coppice-selinux-'));
    try {
      expect(loadPolicy(hostFs, root)).toBeUndefined();
      const base = join(root, 'usr/etc/selinux');
      mkdirSync(join(base, 'targeted/contexts/files'), { recursive: true });
      writeFileSync(join(base, 'config'), '# x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n');
      writeFileSync(join(base, 'targeted/contexts/files/file_contexts'), text);
      writeFileSync(join(base, 'targeted/contexts/files/file_contexts.local'), '/usr/bin/ls a:b:local_t:s0\n');
      const loaded = loadPolicy(hostFs, root);
      expect(loaded?.name).toBe('targeted');
      expect(loaded?.label('/usr/bin/ls', 0o100755)).toBe('a:b:local_t:s0');
      writeFileSync(join(base, 'config'), 'SELINUX=disabled\nSELINUXTYPE=targeted\n');
      expect(loadPolicy(hostFs, root)).toBeUndefined();
      writeFileSync(join(base, 'config'), 'SELINUX=permissive\nSELINUXTYPE=../../x\n');
      expect(() => loadPolicy(hostFs, root)).toThrow('unsafe name');
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
