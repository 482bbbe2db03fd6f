// @coppice/ignition: Ignition configs of specs 3.0.0 to 3.7.0-experimental. Browser-safe: no Node import here or below.

export { decodeBase64, encodeBase64 } from './base64.ts';
// Data URLs.
export { decodeDataUrl, escapeData, escapedLength } from './data-url.ts';
export { embeddedBytes, embeddedText } from './contents.ts';
// What a config does to a node.
export type { Change, Effect, EffectKind, Need } from './effects.ts';
export { compareEffects, effectsOf, greatestNeed } from './effects.ts';
export { reportDuplicates } from './duplicates.ts';
// Go's way with paths, URLs, versions and quotes, which messages and rules depend on.
export { cleanPath, joinPath, pathExtension } from './go-path.ts';
export { goQuote } from './go-quote.ts';
export type { GoUrl } from './go-url.ts';
export { parseGoUrl } from './go-url.ts';
export { decodeConfig, jsonPositions, LineIndex } from './json-decode.ts';
export { crc32, gzipBest } from './gzip.ts';
export { gunzip } from './inflate.ts';
export type { JsonNode } from './json-text.ts';
export { JsonFault, readJson } from './json-text.ts';
// Output.
export { isZeroStruct, jsonString, marshalConfig } from './marshal.ts';
export type { MergeMapping, Transcript } from './merge.ts';
// Merging.
export { mergeConfigs } from './merge.ts';
export type { IgnitionCode } from './messages-table.ts';
export { messages as ignitionMessages } from './messages-table.ts';
export type { Parsed } from './parse.ts';
// Reading and checking.
export { checkParsed, failureText, jsonFaultReport, minorOf, parseConfig } from './parse.ts';
export type { Position, PositionNode } from './position.ts';
export { nodeAt } from './position.ts';
export type { Entry, Path, Severity } from './report.ts';
export { entryLine, fill, pathText, Report } from './report.ts';
export type { FieldDef, StructDef, TableLayer, TypeTable } from './schema.ts';
// Types as tables.
export { goItemName, goTypeName, resolveSchema } from './schema.ts';
export type { Semver } from './semver.ts';
export { parseSemver, semverText } from './semver.ts';
export type { SpecVersion } from './types-table.ts';
export { configSchema, ignitionTypes, specVersions } from './types-table.ts';
export { reportUnusedKeys } from './unused-keys.ts';
// Between versions.
export { downgradeConfig } from './downgrade.ts';
export { upgradeConfig } from './upgrade.ts';
export type { Edition } from './validate/rules.ts';
export { validateConfig, validateIgnitionSection } from './validate/validate.ts';
export type { Fields, Int, Value } from './value.ts';
export { asInt, byteLength, child, isFields, isTrue, list, maybeInt, maybeText, text, texts } from './value.ts';
export type { Visitor } from './walk.ts';
export { walk } from './walk.ts';
