// Which scripts of a package run in an image, which are left out, and which cannot be carried out.

export type ScriptKind =
  | 'prein'
  | 'postin'
  | 'posttrans'
  | 'pretrans'
  | 'preun'
  | 'postun'
  | 'verifyscript'
  | 'preuntrans'
  | 'postuntrans';

/** The name a phase has in messages, e.g. `%pre`. */
export const scriptLabel: Readonly<Record<ScriptKind, string>> = {
  prein: 'pre',
  postin: 'post',
  posttrans: 'posttrans',
  pretrans: 'pretrans',
  preun: 'preun',
  postun: 'postun',
  verifyscript: 'verify',
  preuntrans: 'preuntrans',
  postuntrans: 'postuntrans',
};

/** Phases in the order they run; the others never do. */
export const runPhases: readonly ScriptKind[] = ['prein', 'postin', 'posttrans'];

const ignored: readonly string[] = [
  'glibc.prein',
  'coreutils.prein',
  'ca-certificates.prein',
  'libgcc.post',
  'filesystem.posttrans',
  'filesystem.transfiletriggerin',
  'setup.post',
  'pinentry.prein',
  'fedora-release.posttrans',
  'vagrant.prein',
  'vagrant-libvirt.prein',
  'bash.post',
  'gdb.prein',
  'systemd.transfiletriggerin',
  'man-db.transfiletriggerin',
  'nfs-utils.post',
  'microcode_ctl.post',
  'microcode_ctl.posttrans',
];

/** The package name without parts that only name a flavour: `kernel-debug-core` counts as `kernel*-core`. */
function isKernelScript(name: string, kind: string): boolean {
  return kind === 'posttrans' && /^kernel(-[a-z0-9]+)*-(core|modules|modules-core|modules-extra)$/.test(name);
}

/** True when the script is known to be wrong or useless in an image. */
export function isIgnoredScript(
  name: string,
  kind: ScriptKind | 'transfiletriggerin',
  options: { readonly kernelInstall?: boolean } = {},
): boolean {
  const label = kind === 'postin' ? 'post' : kind;
  if (ignored.includes(`${name}.${label}`)) return true;
  return isKernelScript(name, label) && options.kernelInstall !== true;
}

const luaReplacements: readonly RegExp[] = [
  /^fedora-release.*\.(post|posttrans)$/,
  /^glibc-all-langpacks\.posttrans$/,
  /^glibc-common\..*$/,
  /^glibc\.post$/,
  /^glibc-gconv-extra\.post$/,
  /^crypto-policies\.post$/,
  /^authselect-libs\.prein$/,
];

/** What is done instead of a Lua script: nothing when the tree needs none of it; undefined when there is no substitute. */
export function luaReplacement(name: string, kind: ScriptKind, body: string): 'skip' | undefined {
  const label = kind === 'postin' ? 'post' : kind;
  if (luaReplacements.some((r) => r.test(`${name}.${label}`))) return 'skip';
  return body.split('\n', 10).some((line) => line.includes('-- rpm-ostree-skip')) ? 'skip' : undefined;
}
