// Random solver problems in libsolv's test format, the same for the same seed.

/** A small generator of random numbers (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let a = seed >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export interface CaseShape {
  /** Package names in the universe. */
  readonly names: number;
  /** Average number of dependencies of a package. */
  readonly dependencies: number;
  readonly weak: boolean;
  readonly rich: boolean;
  readonly multilib: boolean;
  readonly priorities: boolean;
  readonly updates: boolean;
  readonly flags: boolean;
  readonly locks: boolean;
  /** Job kinds beyond install, erase, update and lock. */
  readonly jobs?: readonly Extra[];
}

export type Extra =
  | 'forcebest'
  | 'distupgrade'
  | 'cleandeps'
  | 'multiversion'
  | 'favor'
  | 'targeted'
  | 'orphans'
  | 'allowuninstall'
  | 'verify'
  | 'blacklist'
  | 'weak'
  | 'vendor'
  | 'obsoletes'
  | 'disable'
  | 'selfconflict';

export const shapes: readonly CaseShape[] = [
  {
    names: 12,
    dependencies: 1,
    weak: false,
    rich: false,
    multilib: false,
    priorities: false,
    updates: false,
    flags: false,
    locks: false,
  },
  {
    names: 16,
    dependencies: 2,
    weak: true,
    rich: false,
    multilib: false,
    priorities: false,
    updates: true,
    flags: false,
    locks: false,
  },
  {
    names: 25,
    dependencies: 2,
    weak: true,
    rich: true,
    multilib: false,
    priorities: true,
    updates: true,
    flags: true,
    locks: true,
  },
  {
    names: 20,
    dependencies: 2,
    weak: true,
    rich: false,
    multilib: true,
    priorities: false,
    updates: true,
    flags: false,
    locks: true,
  },
  {
    names: 60,
    dependencies: 2,
    weak: true,
    rich: true,
    multilib: false,
    priorities: true,
    updates: true,
    flags: true,
    locks: false,
  },
];

const rest = {
  names: 18,
  dependencies: 1.5,
  weak: true,
  rich: false,
  multilib: false,
  priorities: false,
  updates: true,
  flags: false,
  locks: false,
};

/** One shape for every further job kind, and one with several. */
export const extraShapes: readonly CaseShape[] = [
  { ...rest, jobs: ['forcebest'] },
  { ...rest, jobs: ['distupgrade'] },
  { ...rest, jobs: ['cleandeps'] },
  { ...rest, jobs: ['multiversion'] },
  { ...rest, jobs: ['favor'] },
  { ...rest, jobs: ['targeted'] },
  { ...rest, jobs: ['distupgrade', 'orphans'] },
  { ...rest, jobs: ['allowuninstall'] },
  { ...rest, jobs: ['verify'] },
  { ...rest, jobs: ['blacklist'] },
  { ...rest, jobs: ['weak'] },
  { ...rest, jobs: ['vendor'] },
  { ...rest, jobs: ['obsoletes'] },
  { ...rest, jobs: ['disable'] },
  { ...rest, jobs: ['forcebest', 'distupgrade', 'vendor', 'targeted', 'obsoletes'] },
];

type Random = (below: number) => number;

function version(random: Random): string {
  return `${1 + random(4)}-${1 + random(2)}`;
}

function plain(random: Random, name: (i: number) => string, count: number): string {
  const target = random(8) === 0 ? `cap${random(4)}` : name(random(count));
  if (random(3) !== 0) return target;
  return `${target} ${['=', '>=', '<=', '<', '>'][random(5)]} ${random(2) === 0 ? version(random) : `${1 + random(4)}`}`;
}

function dependency(random: Random, name: (i: number) => string, count: number, rich: boolean): string {
  const one = (): string => plain(random, name, count);
  if (!rich || random(5) !== 0) return one();
  switch (random(5)) {
    case 0:
      return `${one()} & ${one()}`;
    case 1:
      return `${one()} | ${one()}`;
    case 2:
      return `${one()} <IF> ${one()}`;
    case 3:
      return `${one()} <IF> (${one()} <ELSE> ${one()})`;
    default:
      return `${one()} + ${one()}`;
  }
}

function packageLines(random: Random, name: string, evr: string, arch: string, shape: CaseShape): string[] {
  const all = (i: number): string => `p${i}`;
  const dep = (): string => dependency(random, all, shape.names, shape.rich);
  const simple = (): string => plain(random, all, shape.names);
  const [v, r] = evr.split('-');
  const out = [`=Pkg: ${name} ${v} ${r} ${arch}`];
  for (let i = random(Math.floor(shape.dependencies * 2) + 1); i > 0; i--) out.push(`=Req: ${dep()}`);
  if (random(5) === 0) out.push(`=Prv: cap${random(4)}${random(2) === 0 ? ` = ${version(random)}` : ''}`);
  if (random(10) === 0) out.push(`=Con: ${simple()}`);
  if (random(shape.jobs?.includes('obsoletes') === true ? 4 : 14) === 0) out.push(`=Obs: ${simple()}`);
  if (shape.jobs?.includes('vendor') === true && random(2) === 0) out.push(`=Vnd: ${['acme', 'globex'][random(2)]}`);
  if (!shape.weak) return out;
  if (random(5) === 0) out.push(`=Rec: ${dep()}`);
  if (random(8) === 0) out.push(`=Sug: ${simple()}`);
  if (random(12) === 0) out.push(`=Sup: ${simple()}`);
  if (random(14) === 0) out.push(`=Enh: ${simple()}`);
  return out;
}

function repository(random: Random, shape: CaseShape, share: number, versions: number): string[] {
  const out: string[] = [];
  for (let i = 0; i < shape.names; i++) {
    if (random(100) >= share) continue;
    for (let n = 1 + random(versions); n > 0; n--) {
      const evr = version(random);
      const archs = shape.multilib
        ? [['noarch'], ['x86_64'], ['x86_64', 'i686'], ['i686']][random(4)]!
        : [random(3) === 0 ? 'x86_64' : 'noarch'];
      for (const arch of archs) out.push(...packageLines(random, `p${i}`, evr, arch, shape));
    }
  }
  return out;
}

/** An installed set that mostly holds together: what is needed is there, without much that conflicts. */
function installedSet(random: Random, shape: CaseShape): string[] {
  const out: string[] = [];
  if (shape.jobs?.includes('cleandeps') === true) {
    // A tree of needs, so that there is something to clean.
    for (let i = 0; i < shape.names; i++) {
      if (random(3) === 0) continue;
      out.push(`=Pkg: p${i} ${version(random).replace('-', ' ')} noarch`);
      for (let n = random(3); n > 0 && i + 1 < shape.names; n--)
        out.push(`=Req: p${i + 1 + random(shape.names - i - 1)}`);
    }
    return out;
  }
  for (let i = 0; i < shape.names; i++) {
    if (random(100) >= 40) continue;
    const arch = shape.multilib ? ['x86_64', 'noarch', 'i686'][random(3)]! : 'noarch';
    out.push(...packageLines(random, `p${i}`, version(random), arch, shape));
  }
  return out;
}

function jobs(random: Random, shape: CaseShape, installed: readonly string[]): string[] {
  const out: string[] = [];
  const some = (): string => `p${random(shape.names)}`;
  for (let i = 1 + random(3); i > 0; i--) {
    const kind = random(shape.updates ? 10 : 6);
    if (kind < 5)
      out.push(
        `job install ${random(5) === 0 ? 'provides' : 'name'} ${random(4) === 0 ? plain(random, (n) => `p${n}`, shape.names) : some()}`,
      );
    else if (kind === 5) out.push(`job erase name ${some()}`);
    else if (kind < 8) out.push(`job update name ${some()}`);
    else if (kind === 8) out.push('job update all packages');
    else out.push(`job install name ${some()}`);
  }
  const extra = shape.jobs ?? [];
  const has = (job: Extra): boolean => extra.includes(job);
  const flag = (name: string): string => (random(2) === 0 ? ` [${name}]` : '');
  const again: string[] = [];
  for (const line of out) {
    let text = line;
    if (has('forcebest') && !text.includes('erase')) text += flag('forcebest');
    else if (has('cleandeps') && !text.includes('all packages')) text += flag('cleandeps');
    else if (has('weak')) text += flag('weak');
    else if (has('targeted') && text.startsWith('job update name')) text += flag('targeted');
    again.push(text);
  }
  out.splice(0, out.length, ...again);
  if (has('distupgrade')) {
    const what = [
      'all packages',
      'repo available',
      `name ${some()}`,
      `name ${plain(random, (n) => `p${n}`, shape.names)}`,
    ][random(4)]!;
    if (random(2) === 0) out.splice(0, out.length);
    out.push(`job distupgrade ${what}${has('forcebest') ? flag('forcebest') : ''}`);
  }
  if (has('multiversion')) out.push(`job multiversion name ${some()}`, `job multiversion name ${some()}`);
  if (has('favor'))
    out.push(`job favor name ${some()}`, `job disfavor name ${plain(random, (n) => `p${n}`, shape.names)}`);
  if (has('allowuninstall'))
    out.push(random(3) === 0 ? 'job allowuninstall all packages' : `job allowuninstall name ${some()}`);
  if (has('verify')) out.push(random(2) === 0 ? 'job verify all packages' : `job verify name ${some()}`);
  if (has('blacklist')) out.push(`job blacklist name ${some()}`, `job blacklist provides cap${random(4)}`);
  if (shape.locks && random(2) === 0)
    for (const line of installed) {
      const m = /^=Pkg: (\S+) (\S+) (\S+) (\S+)$/.exec(line);
      if (m !== null && random(3) === 0) out.push(`job lock pkg ${m[1]}-${m[2]}-${m[3]}.${m[4]}@system`);
    }
  return out;
}

/** The shape for a seed: seeds from 1,000,000 on have further job kinds, one thousand seeds each. */
export function shapeOf(seed: number): CaseShape {
  if (seed >= 1_000_000) return extraShapes[Math.floor((seed - 1_000_000) / 1000) % extraShapes.length]!;
  return shapes[seed % shapes.length]!;
}

/** The text of one problem. */
export function generateCase(seed: number, shape: CaseShape = shapeOf(seed)): string {
  const random = randomNumbers(seed * 7919 + 17);
  const inline = (lines: readonly string[]): string[] => lines.map((line) => `#>${line}`);
  const installed = installedSet(random, shape);
  const out = ['repo system 0 testtags <inline>', ...inline(installed)];
  const prio = shape.priorities && random(3) === 0 ? 1 + random(3) : 0;
  out.push(`repo available ${prio} testtags <inline>`, ...inline(repository(random, shape, 80, 2)));
  if (random(2) === 0) out.push('repo updates 0 testtags <inline>', ...inline(repository(random, shape, 40, 1)));
  out.push('system x86_64 rpm system');
  if (shape.multilib && random(2) === 0) out.push('poolflags implicitobsoleteusescolors');
  if (shape.flags) {
    const flags = [
      'allowuninstall',
      'allowdowngrade',
      'allowvendorchange',
      'ignorerecommended',
      'bestobeypolicy',
      'yumobsoletes',
    ];
    const set = flags.filter(() => random(5) === 0);
    if (set.length > 0) out.push(`solverflags ${set.join(',')}`);
  }
  if (shape.jobs?.includes('orphans') === true) out.push(`solverflags ${['keeporphans', 'allowuninstall'][random(2)]}`);
  if (shape.jobs?.includes('disable') === true) {
    if (random(2) === 0) out.push('poolflags whatprovideswithdisabled');
    out.push(`disable name p${random(shape.names)}`, `disable name p${random(shape.names)}`);
  }
  out.push(...jobs(random, shape, installed));
  return `${out.join('\n')}\n`;
}
