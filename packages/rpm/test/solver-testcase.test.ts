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

test('says what is wrong with a test case', () => {
  expect(() => runTestCase('job frobnicate name a\nresult transaction\n')).toThrow(/unknown job/);
  expect(() => runTestCase('repo a 0 testtags nowhere.repo\nresult transaction\n')).toThrow(/nowhere\.repo/);
  expect(() => runTestCase('repo a 0 solv a.solv\nresult transaction\n')).toThrow(/not built yet/);
});
