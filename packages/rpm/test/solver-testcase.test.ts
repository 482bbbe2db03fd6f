// What testsolv of libsolv 0.7.40 says of the same cases.
import { expect, test } from 'vitest';
import { runTestCase } from '../src/solver/testcase/testcase.ts';

const sorted = (text: string, files: Readonly<Record<string, string>> = {}): string[] => {
  const [result] = runTestCase(text, { readFile: (name) => files[name]! });
  return [...result!.actual].sort();
};

test('reads helix repositories', () => {
  const files = {
    'system.xml':
      '<channel><subchannel><package><name>a</name><version>1</version><release>1</release><arch>noarch</arch></package></subchannel></channel>',
    'available.xml':
      '<channel><subchannel><package><name>a</name><history><update><version>1</version><release>1</release></update>' +
      '<update><version>2</version><release>1</release></update></history><deps><requires>' +
      '<dep name="b" op="&gt;=" version="2" release="1"/></requires></deps></package>' +
      '<package><name>b</name><epoch>0</epoch><version>2</version><release>3</release></package></subchannel></channel>',
  };
  const text = `repo system 0 helix system.xml
repo available 0 helix available.xml
system x86_64 rpm system
job update name a
result transaction,problems
`;
  expect(sorted(text, files)).toEqual([
    'install b-2-3.noarch@available',
    'upgrade a-1-1.noarch@system a-2-1.noarch@available',
  ]);
});

test('counts the first installed package otherwise when looking for ways out', () => {
  const text = `repo system 0 testtags <inline>
#>=Ver: 3.0
#>=Pkg: d 3 1 noarch
#>=Prv: d = 3-1
#>=Vnd: suse
#>=Pkg: kernel 3 1 x86_64
#>=Req: rpmlib(x)
#>=Vnd: suse
repo available 0 testtags <inline>
#>=Ver: 3.0
#>=Pkg: kernel 3 1 noarch
#>=Prv: kernel = 3-1
#>=Obs: d
system x86_64 rpm system
job verify all packages
result transaction,problems
`;
  expect(sorted(text)).toEqual([
    'erase kernel-3-1.x86_64@system',
    'problem a643f9e1 info nothing provides rpmlib(x) needed by kernel-3-1.x86_64',
    'problem a643f9e1 solution 2dbb8c5b erase kernel-3-1.x86_64@system',
  ]);
});

test('selections change the jobs before them, and have settings and flags of their own', () => {
  const text = `repo system 0 testtags <inline>
#>=Pkg: A 1 1 noarch
#>=Pkg: B 1 1 i686
#>=Req: A
#>=Pkg: Foo 1 1 noarch
repo available 5.7 testtags <inline>
#>=Pkg: A 2 1 noarch
#>=Pkg: B 2 1 i686
#>=Pkg: B 2 1 x86_64
#>=Pkg: C 1 1 noarch
#>=Pkg: foo 3 1 noarch
system x86_64 rpm system
job install selection A name [weak,forcebest]
job update selection B name,add [cleandeps]
result jobs
nextjob
job update all packages
job update selection B = 2-1 name,filter,rel
result jobs
nextjob
job install name B
job install name A
job install selection B.i686 name,dotarch,filter
result jobs
nextjob
job install repo available
job erase selection B name,subtract
result jobs
nextjob
job install name B
job install selection A name,installedonly,flat
job lock selection B.x86_64>1 name,dotarch,rel,subtract
result jobs
nextjob
job install selection B name,installedonly,rel,dotarch
job update selection * name,glob,installedonly
job noobsoletes selection zzz name
result jobs
`;
  expect(runTestCase(text).map(({ actual }) => actual)).toEqual([
    ['job update name A [cleandeps]', 'job update name B [cleandeps]'],
    ['job update name B = 2-1 [setevr]'],
    ['job install oneof B-1-1.i686@system B-2-1.i686@available [setarch]'],
    ['job erase oneof A-2-1.noarch@available C-1-1.noarch@available foo-3-1.noarch@available'],
    [
      'job lock oneof B-1-1.i686@system B-2-1.i686@available [setarch]',
      'job lock pkg A-1-1.noarch@system [setarch,setrepo,noautoset]',
    ],
    [
      'job install pkg B-1-1.i686@system [setrepo,noautoset]',
      'job update name Foo [setrepo]',
      'job update pkg A-1-1.noarch@system [setrepo,noautoset]',
      'job update pkg B-1-1.i686@system [setrepo,noautoset]',
    ],
  ]);
});

test('forgets namespaces when something is disabled later', () => {
  const text = (order: readonly string[]): string => `repo system 0 empty
repo available 0 testtags <inline>
#>=Pkg: a 1 1 noarch
#>=Pkg: b 1 1 noarch
#>=Pkg: c 1 1 noarch
#>=Sup: namespace:language(de)
system x86_64 rpm system
${order.join('\n')}
job install name a
result recommended
`;
  const lines = ['namespace namespace:language(de) @SYSTEM', 'disable pkg b-1-1.noarch@available'];
  expect(sorted(text(lines))).toEqual([]);
  expect(sorted(text(lines.reverse()))).toEqual(['recommended c-1-1.noarch@available']);
});

test('says what is wrong with a test case', () => {
  expect(() => runTestCase('job frobnicate name a\nresult transaction\n')).toThrow(/unknown job/);
  expect(() => runTestCase('# first\nfrobnicate a\n')).toThrow("line 2: unknown command 'frobnicate'");
  expect(() => runTestCase('repo a 0 testtags nowhere.repo\nresult transaction\n')).toThrow(/nowhere\.repo/);
  expect(() => runTestCase('repo a 0 solv a.solv\nresult transaction\n')).toThrow(/not built yet/);
});
