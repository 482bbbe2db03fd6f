import { Random } from './random.ts';
import type { World, WorldFile, WorldPackage } from './world.ts';

const syllables = [
  'ba',
  'co',
  'di',
  'fe',
  'gu',
  'ha',
  'jo',
  'ki',
  'lo',
  'mu',
  'ne',
  'pra',
  'qua',
  'ri',
  'sto',
  'tu',
  'vel',
  'wex',
  'yo',
  'zan',
];
const suffixes = ['', '', '', '-libs', '-common', '-core', '+extra', '_tools', '2', '.d'];

/**
 * A world that differs from the shipped ones in everything a program could wrongly take for granted: names (with `_`, `+`
 * and `.`), EVRs (epochs, `~`, `^`), the dependency graph, stateroot, remote, refs and versions. The same seed gives the
 * same world. The streams are called `stable` and `testing`; the repository's first two packages can both be layered.
 */
export function generateWorld(seed: number): World {
  const random = new Random(seed);
  const taken = new Set<string>();
  const word = (): string => {
    for (;;) {
      const name = `${random.pick(syllables)}${random.pick(syllables)}${random.chance(50) ? random.pick(syllables) : ''}${random.pick(suffixes)}`;
      if (!taken.has(name)) {
        taken.add(name);
        return name;
      }
    }
  };
  const plain = (): string => `${random.pick(syllables)}${random.pick(syllables)}${random.below(90) + 10}`;
  const version = (): string => {
    const parts = Array.from({ length: random.below(3) + 1 }, () => String(random.below(30)));
    const tail = random.chance(12) ? `~rc${random.below(4)}` : random.chance(12) ? `^git${random.below(900)}` : '';
    return parts.join('.') + tail;
  };
  /** An EVR on stable and one on testing: mostly equal, else the last number raised or (rarely) lowered. */
  const evrs = (changes: boolean): WorldPackage['evr'] => {
    const v = version();
    const r = random.below(40) + 2;
    if (!changes) return `${v}-${r}`;
    return { stable: `${v}-${r}`, testing: random.chance(90) ? `${v}-${r + 1 + random.below(5)}` : `${v}-${r - 1}` };
  };
  const files = (name: string): Record<string, WorldFile> => {
    const out: Record<string, WorldFile> = {
      [`/usr/bin/${name}`]: { text: `#!/bin/sh\necho "${name}: at your service"\n`, mode: '0755' },
      [`/usr/share/doc/${name}/README`]: { size: random.below(4000) },
    };
    if (random.chance(40))
      out[`/etc/${name}.conf`] = {
        text: `[${name}]\nvalue = ${random.below(100)}\n`,
        mode: random.pick(['0644', '0600', '0640']),
      };
    if (random.chance(30)) out[`/usr/share/${name}/current`] = { link: `../doc/${name}/README` };
    if (random.chance(20)) out[`/usr/share/man/man1/${name}.1.gz`] = { manual: true };
    if (random.chance(20)) out[`/var/lib/${name}`] = { directory: true };
    return out;
  };

  const fixed: WorldPackage[] = [
    { name: 'filesystem', evr: '3.1-1', layout: true },
    {
      name: 'setup',
      evr: '2.1-1',
      requires: ['filesystem'],
      files: {
        '/etc/passwd': { text: 'root:x:0:0:root:/root:/bin/sh\n' },
        '/etc/group': { text: 'root:x:0:\nwheel:x:10:\n' },
        '/etc/shadow': { text: 'root:*:18283:0:99999:7:::\n', mode: '0000' },
        '/etc/gshadow': { text: 'root:::\nwheel:::\n', mode: '0000' },
      },
    },
    { name: 'release', evr: '1-1', 'os-release': true },
    { name: 'tools', evr: '1.2-3', shell: true },
    { name: 'kernel', evr: evrs(true), kernel: true },
  ];
  for (const { name } of fixed) taken.add(name);
  const base: WorldPackage[] = [];
  const n = 6 + random.below(14);
  for (let i = 0; i < n; i++) {
    const name = word();
    const requires = base.filter(() => random.chance(20)).map((p) => p.name);
    base.push({
      name,
      ...(random.chance(30) ? { epoch: random.below(5) } : {}),
      evr: evrs(random.chance(55)),
      requires,
      ...(random.chance(30) ? { provides: [`virtual-${name} = ${random.below(9)}`] } : {}),
      files: files(name),
    });
  }
  const repository: WorldPackage[] = [];
  for (let i = 0; i < 2 + random.below(6); i++) {
    const name = word();
    // The first two stand on the base alone or on later packages of the repository, so that layering pulls in more.
    repository.push({
      name,
      ...(random.chance(40) ? { epoch: random.below(20) } : {}),
      evr: evrs(false),
      requires: ['/bin/sh', ...base.filter(() => random.chance(10)).map((p) => p.name)],
      files: files(name),
      ...(random.chance(40) ? { post: `echo configured > /usr/share/${name}-configured` } : {}),
      ...(random.chance(30) ? { users: [{ name: plain(), id: 300 + random.below(600), home: '/' }] } : {}),
    });
  }
  const deep = word();
  repository.push({ name: deep, evr: evrs(false), files: files(deep) });
  (repository[1]!.requires as string[]).push(deep);

  const arch = 'x86_64';
  const distribution = plain();
  const year = 2021 + random.below(5);
  const month = String(1 + random.below(11)).padStart(2, '0');
  return {
    name: `generated-${seed}`,
    arch,
    dist: `d${random.below(90)}`,
    stateroot: plain(),
    remote: plain(),
    'os-release': {
      NAME: distribution,
      ID: distribution,
      VERSION_ID: String(year),
      PRETTY_NAME: `${distribution} \${version}`,
    },
    'kernel-arguments': random.chance(50) ? ['quiet', `opt=${random.below(100)}`] : [],
    streams: {
      stable: {
        ref: `${distribution}/${arch}/stable`,
        version: `${year}.${month}.1`,
        timestamp: `${year}-${month}-03T0${random.below(10)}:00:00Z`,
      },
      testing: {
        ref: `${distribution}/${arch}/testing`,
        version: `${year}.${month}.2`,
        timestamp: `${year}-${month}-17T0${random.below(10)}:00:00Z`,
      },
    },
    base: [...fixed, ...base],
    repository,
  };
}
