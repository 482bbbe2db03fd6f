// @coppice/butane: Butane (and the older FCC) configs to Ignition configs and MachineConfigs. Browser-safe: no Node import
// here or below; local files come through an injected resolver.

export type { DataSource } from './data-source.ts';
export { makeDataSource } from './data-source.ts';
export type { FileResolver, TreeEntry } from './local-files.ts';
// Local files.
export { functionFiles, LocalFileFault, mapFiles, noFiles } from './local-files.ts';
export type { ButaneCode } from './messages-table.ts';
export { butaneMessages } from './messages-table.ts';
// Reports as text.
export { plainReport, prettyReport } from './pretty-report.ts';
export { looseText, rawBytes } from './text-bytes.ts';
// JSON Schemas for editors.
export type { JsonSchema } from './json-schema.ts';
export { butaneSchema, ignitionSchema } from './json-schema.ts';
// Looking for what a valid config still gets wrong.
export type { Linted, LintOptions } from './lint/lint.ts';
export { lint } from './lint/lint.ts';
export { userDataLimits } from './lint/providers-table.ts';
export type { LintCode } from './lint/rules-table.ts';
export { lintRules } from './lint/rules-table.ts';
export { hints } from './hints-table.ts';
// The way back.
export type { DecompileOptions, Decompiled } from './decompile.ts';
export { decompile } from './decompile.ts';
export { readMachineConfig } from './machine-config-reader.ts';
export { firstDifference } from './same-meaning.ts';
export type { Diagnostic, Result } from './diagnostics.ts';
// Translating: `translate` for programs, `translateBytes` for everything the commands print.
export { translate } from './diagnostics.ts';
export type { TranslateOptions, Translation } from './translate.ts';
export { translateBytes } from './translate.ts';
export type { Spec, Variant } from './versions-table.ts';
// Variants and versions.
export { allSpecs, findSpec, outputSchema, sourceSchema } from './versions-table.ts';
// A config as a typed object.
export { buildConfig } from './builder.ts';
export type { ButaneConfig, VersionOf } from './config-types.ts';
