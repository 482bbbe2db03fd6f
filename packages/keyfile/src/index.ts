// @coppice/keyfile: GLib key files (repo config, origins, remotes.d). Codec only, no I/O.

// Raw value forms, for callers that keep values as they stand in the file.
export { escapeValue, unescapeList, unescapeValue } from './escape.ts';
export { KeyFile } from './keyfile.ts';
// Checks for names that come from outside.
export { isGroupName, isKeyName } from './line.ts';
