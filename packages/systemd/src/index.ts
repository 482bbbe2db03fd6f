// @coppice/systemd: units, escaping, presets, users and temporary files: read, check, apply to a tree. Browser-safe but for
// the parts that are handed a FileSystem.

export { escapeName, escapePath, unescapeName, unescapePath } from './escape.ts';
export type { UnitOption } from './unit.ts';
// Unit files.
export { hasSection, parseUnit, unitLineMax } from './unit.ts';
