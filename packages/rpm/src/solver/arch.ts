// Which architectures a machine runs, best first, and which of them are rivals (libsolv's poolarch.c has the table).

/** Policies: names from best to worst; `:` starts a worse class, `=` an equal one, `>` a worse member of the same class. */
const policies: Readonly<Record<string, string>> = {
  x86_64: 'x86_64:i686:i586:i486:i386',
  x86_64_v4: 'x86_64_v4:x86_64_v3:x86_64_v2:x86_64:i686:i586:i486:i386',
  x86_64_v3: 'x86_64_v3:x86_64_v2:x86_64:i686:i586:i486:i386',
  x86_64_v2: 'x86_64_v2:x86_64:i686:i586:i486:i386',
  i686: 'i686:i586:i486:i386',
  i586: 'i586:i486:i386',
  i486: 'i486:i386',
  i386: 'i386',
  athlon: 'athlon:i686:i586:i486:i386',
  s390x: 's390x:s390',
  s390: 's390',
  ia64: 'ia64:i686:i586:i486:i386',
  ppc64: 'ppc64:ppc',
  ppc64p7: 'ppc64p7:ppc64:ppc',
  ppc64le: 'ppc64le',
  ppc: 'ppc',
  armv8hcnl: 'armv8hcnl:armv8hnl:armv8hl:armv7hcnl:armv7hnl:armv7hl:armv6hl',
  armv8hnl: 'armv8hnl:armv8hl:armv7hnl:armv7hl:armv6hl',
  armv8hl: 'armv8hl:armv7hl:armv6hl',
  armv7hnl: 'armv7hnl:armv7hl:armv6hl',
  armv7hl: 'armv7hl:armv6hl',
  armv6hl: 'armv6hl',
  aarch64: 'aarch64',
  riscv64: 'riscv64',
  loongarch64: 'loongarch64',
};

/** Scores by architecture name: 1 for `noarch`, else class in the high 16 bits and rank in the low ones; lower is better. */
export function archScores(arch: string, noarch = 'noarch'): Map<string, number> {
  return archPolicyScores(Object.hasOwn(policies, arch) ? policies[arch]! : arch, noarch);
}

/** The same from a policy text such as `x86_64:i686>i586`. */
export function archPolicyScores(policy: string, noarch = 'noarch'): Map<string, number> {
  const scores = new Map<string, number>([[noarch, 1]]);
  let score = 0x10001;
  for (const [, separator, name] of policy.matchAll(/([:=>]?)([^:=>]+)/g)) {
    if (separator === ':') score = (score & ~0xffff) + 0x10001;
    else if (separator === '>') score++;
    if (!scores.has(name!)) scores.set(name!, score);
  }
  return scores;
}

/** Colour bits of an architecture: 1 for 32-bit, 2 for 64-bit, 3 for both. */
export function archColor(arch: string): number {
  if (arch === 'noarch' || arch === 'all' || arch === 'any') return 3;
  return arch === 's390x' || arch.includes('64') ? 2 : 1;
}
