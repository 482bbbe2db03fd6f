// @coppice/selinux: labels for files from the file contexts of a policy, as libselinux finds them. No kernel support needed.

// Formats.
export type { FileContextSpec } from './filecontexts.ts';
export { compilePattern, parseFileContexts } from './filecontexts.ts';
export type { SelinuxConfig } from './loadpolicy.ts';
// The policy of a root.
export { loadPolicy, parseSelinuxConfig } from './loadpolicy.ts';
export type { PolicyParts } from './policy.ts';
export { LabelPolicy, treeLabel } from './policy.ts';
export type { Substitution } from './substitutions.ts';
export { parseSubstitutions, substitute } from './substitutions.ts';
