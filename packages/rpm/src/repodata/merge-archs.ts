// Architectures that mergerepo_c takes along with one that is named.
const variants: Readonly<Record<string, readonly string[]>> = {
  i386: ['i486', 'i586', 'geode', 'i686', 'athlon'],
  x86_64: ['ia32e', 'amd64'],
  ppc64: ['ppc64pseries', 'ppc64iseries'],
  sparc64: ['sparc64v', 'sparc64v2'],
  sparc: ['sparcv8', 'sparcv9', 'sparcv9v', 'sparcv9v2'],
  alpha: ['ev4', 'ev45', 'ev5', 'ev56', 'ev6', 'ev67', 'ev68', 'ev7']
    .map((name) => `alpha${name}`)
    .concat('alphapca56'),
  armhfp: ['armv7hl', 'armv7hnl'],
  arm: ['armv5tel', 'armv5tejl', 'armv6l', 'armv7l'],
  sh4: ['sh4a'],
};

const multilib: Readonly<Record<string, string>> = {
  x86_64: 'i386',
  ppc64: 'ppc',
  s390x: 's390',
  sparc64: 'sparc',
};

/** All architectures whose packages run where those of `archs` do, and `noarch`. */
export function expandArchs(archs: readonly string[]): Set<string> {
  const out = new Set<string>();
  for (const arch of archs)
    for (const one of [arch, ...(Object.hasOwn(multilib, arch) ? [multilib[arch]!] : [])]) {
      out.add(one);
      for (const variant of Object.hasOwn(variants, one) ? variants[one]! : []) out.add(variant);
    }
  return out.add('noarch');
}
