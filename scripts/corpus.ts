// All recorded cases of butane and ignition-validate, in this process:
//   node --conditions=source scripts/corpus.ts [butane|ignition] [--grep REGEXP] [--show N]
import { parseArgs } from 'node:util';
import { type Answer, type Corpus, caseNames, runCase } from '../test/interop/config-corpus.ts';

const { values, positionals } = parseArgs({
  options: { grep: { type: 'string' }, show: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const filter = new RegExp(values.grep ?? '');
let failed = 0;

for (const corpus of (positionals.length > 0 ? positionals : ['butane', 'ignition']) as Corpus[]) {
  const names = caseNames(corpus, 'all');
  if (names === undefined) {
    console.error(`${corpus}: no corpus found; set COPPICE_SHARED`);
    process.exitCode = 2;
    continue;
  }
  const equal: Record<keyof Answer, number> = { stdout: 0, stderr: 0, rc: 0, outfile: 0 };
  let count = 0;
  let all = 0;
  for (const name of names.filter((each) => filter.test(each))) {
    count++;
    const { want, got } = runCase(corpus, name);
    const wrong = (Object.keys(equal) as (keyof Answer)[]).filter((key) => got[key] !== want[key]);
    for (const key of Object.keys(equal) as (keyof Answer)[]) if (got[key] === want[key]) equal[key]++;
    if (wrong.length === 0) all++;
    else if (failed++ < Number(values.show))
      for (const key of wrong) console.log(`== ${name} ${key}\n-- recorded\n${want[key]}\n-- ours\n${got[key]}`);
  }
  console.log(
    `${corpus}: ${all} of ${count} equal (stdout ${equal.stdout}, stderr ${equal.stderr}, exit code ${equal.rc}, written file ${equal.outfile})`,
  );
}
if (failed > 0) process.exitCode = 1;
