// Random solver problems with every job, every flag of jobs, every switch and rich dependencies of all kinds.
import { generateCase, randomNumbers } from './solver-cases.ts';

const solverFlags = (
  'allowdowngrade allownamechange allowarchchange allowvendorchange allowuninstall noupdateprovide splitprovides ' +
  'ignorerecommended addalreadyrecommended noinfarchcheck keepexplicitobsoletes bestobeypolicy noautotarget ' +
  'dupallowdowngrade dupallowarchchange dupallowvendorchange dupallownamechange keeporphans breakorphans ' +
  'focusinstalled yumobsoletes needupdateprovide focusbest strongrecommends installalsoupdates ' +
  'onlynamespacerecommended strictrepopriority focusnew urpmreorder'
).split(' ');
const poolFlags = (
  'forbidselfconflicts obsoleteusesprovides implicitobsoleteusesprovides obsoleteusescolors ' +
  'implicitobsoleteusescolors noinstalledobsoletes whatprovideswithdisabled promoteepoch'
).split(' ');
const jobFlags =
  'weak essential cleandeps orupdate forcebest targeted setev setevr setarch setvendor setrepo noautoset'.split(' ');
const actions = (
  'install install install update update erase lock distupgrade verify droporphaned userinstalled ' +
  'allowuninstall favor disfavor blacklist excludefromweak multiversion weakendeps'
).split(' ');

type Random = (below: number) => number;

const some = (random: Random): string => `p${random(16)}`;
const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

function rich(random: Random): string {
  const [a, b, c] = [some(random), some(random), some(random)];
  return pick(random, [
    `${a} & ${b}`,
    `${a} | ${b}`,
    `${a} <IF> ${b}`,
    `${a} <UNLESS> ${b}`,
    `${a} <IF> (${b} <ELSE> ${c})`,
    `${a} <UNLESS> (${b} <ELSE> ${c})`,
  ]);
}

/** The repositories of an ordinary case, with further dependencies and vendors. */
function repositories(random: Random): string[] {
  const base = generateCase(random(3) === 0 ? 1_000_000 + random(15_000) : 1 + random(100_000));
  const out: string[] = [];
  for (const line of base.split('\n')) {
    if (line === '' || /^(?:job|solverflags) /.test(line)) continue;
    out.push(line);
    if (!line.startsWith('#>=Pkg:')) continue;
    const tag = pick(random, ['Con', 'Rec', 'Sup', 'Sug', 'Enh', 'Req', 'Obs', 'Prv', 'Prq']);
    const simple = tag === 'Obs' || tag === 'Prv' || random(2) === 0;
    if (random(6) === 0) out.push(`#>=${tag}: ${simple ? some(random) : rich(random)}`);
    if (random(12) === 0) out.push(`#>=Vnd: ${pick(random, ['acme', 'globex'])}`);
  }
  return out;
}

/** Packages by the names that test cases use. */
function packageNames(lines: readonly string[]): string[] {
  const out: string[] = [];
  let repo = '';
  for (const line of lines) {
    repo = /^repo (\S+)/.exec(line)?.[1] ?? repo;
    const [, name, version, release, arch] = /^#>=Pkg: (\S+) (\S+) (\S+) (\S+)/.exec(line) ?? [];
    if (name !== undefined) out.push(`${name}-${version}-${release}.${arch}@${repo}`);
  }
  return out;
}

function job(random: Random, names: readonly string[]): string {
  const action = pick(random, actions);
  const selections = [
    `name ${some(random)}`,
    `provides ${some(random)}`,
    `pkg ${pick(random, names)}`,
    `oneof ${pick(random, names)} ${pick(random, names)}`,
    `name ${some(random)} ${pick(random, ['>', '=', '<', '>=', '<='])} ${1 + random(4)}${random(2) === 0 ? '-1' : ''}`,
    `provides cap${random(4)}`,
    `provides ${rich(random)}`,
  ];
  if (!['install', 'erase', 'lock'].includes(action))
    selections.push('all packages', `repo ${pick(random, ['available', 'system'])}`);
  const flags = jobFlags.filter(() => random(14) === 0);
  return `job ${action} ${pick(random, selections)}${flags.length > 0 ? ` [${flags.join(',')}]` : ''}`;
}

/** The text of one problem. */
export function generateWideCase(seed: number): string {
  const random = randomNumbers(seed * 31 + 5);
  const out = repositories(random);
  const names = packageNames(out);
  const set = (word: string, flags: readonly string[], share: number): void => {
    const chosen = flags.filter(() => random(share) === 0).map((flag) => (random(6) === 0 ? `!${flag}` : flag));
    if (random(2) === 0 && chosen.length > 0) out.push(`${word} ${chosen.join(',')}`);
  };
  set('poolflags', poolFlags, 6);
  set('solverflags', solverFlags, 8);
  if (random(6) === 0) out.push('vendorclass acme globex');
  for (let n = 1 + random(4); n > 0; n--) out.push(job(random, names));
  return `${out.join('\n')}\n`;
}
