// @coppice/systemd: units, escaping, presets, users and temporary files: read, check, apply to a tree. Browser-safe;
// what works on a tree is in the subpath '@coppice/systemd/tree'.

export { escapeName, escapePath, unescapeName, unescapePath } from './escape.ts';
export type { UnitOption } from './unit.ts';
// Unit files.
export { hasSection, parseUnit, unitLineMax } from './unit.ts';
// What keeps a unit from doing its work.
export type { UnitFinding } from './check-unit.ts';
export { checkUnit, unitSections } from './check-unit.ts';
// Presets and what enabling links.
export type { PresetRule } from './preset.ts';
export { installLinks, matchesPattern, parsePreset, presetOf } from './preset.ts';
// Temporary files.
export type { TmpfilesLine } from './tmpfiles.ts';
export { parseTmpfiles } from './tmpfiles.ts';
// Accounts of packages.
export type { SysusersLine } from './sysusers.ts';
export { parseSysusers } from './sysusers.ts';
