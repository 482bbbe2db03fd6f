// @coppice/ignition-apply: carries out an Ignition config on a directory: accounts, files, units. Node only.

export type { ApplyOptions, ApplyReport } from './apply.ts';
export { applyIgnition, configText } from './apply.ts';
// Parts for callers that do more than the files stage.
export { needsDisk } from './refusals.ts';
export { readConfig, renderConfig } from './render.ts';
export { Root } from './root.ts';
export type { FetchSource } from './source.ts';
export { readResource } from './source.ts';
