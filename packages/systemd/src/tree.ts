// @coppice/systemd/tree: what systemd does to a root file system, done to a directory. Node only.

export type { SysusersOptions } from './create-sysusers.ts';
export { createSysusers } from './create-sysusers.ts';
export type { TmpfilesOptions } from './create-tmpfiles.ts';
export { createTmpfiles, tmpfilesOf } from './create-tmpfiles.ts';
export type { PresetOptions } from './preset.ts';
export { presetAll, presetRules } from './preset.ts';
