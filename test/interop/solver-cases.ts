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
}

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
  for (let i = random(shape.dependencies * 2 + 1); i > 0; i--) out.push(`=Req: ${dep()}`);
  if (random(5) === 0) out.push(`=Prv: cap${random(4)}${random(2) === 0 ? ` = ${version(random)}` : ''}`);
  if (random(10) === 0) out.push(`=Con: ${simple()}`);
  if (random(14) === 0) out.push(`=Obs: ${simple()}`);
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
  if (shape.locks && random(2) === 0)
    for (const line of installed) {
      const m = /^=Pkg: (\S+) (\S+) (\S+) (\S+)$/.exec(line);
      if (m !== null && random(3) === 0) out.push(`job lock pkg ${m[1]}-${m[2]}-${m[3]}.${m[4]}@system`);
    }
  return out;
}

/** The text of one problem. */
export function generateCase(seed: number, shape: CaseShape = shapes[seed % shapes.length]!): string {
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
  out.push(...jobs(random, shape, installed));
  return `${out.join('\n')}\n`;
}
