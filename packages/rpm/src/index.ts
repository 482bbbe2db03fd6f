// @coppice/rpm: packages, repositories, the package database and the solver.

export type { BuildOptions, BuiltPackage } from './build/build-package.ts';
// Writing packages.
export { buildPackage } from './build/build-package.ts';
export type {
  ChangelogSpec,
  DependencySpec,
  FileContent,
  FileSpec,
  FileTriggerSpec,
  PackageSpec,
  ScriptName,
  ScriptSpec,
  TriggerSpec,
} from './build/spec.ts';
export type { HeaderEntry, HeaderRegion } from './header/header.ts';
// Headers: tags in, values out.
export { Header, headerMagic } from './header/header.ts';
export { HeaderBuilder } from './header/header-builder.ts';
export { HeaderType, SigTag, Tag } from './header/tag.ts';
export type { TagInfo } from './header/tag-table.ts';
export { tagByName, tagInfo } from './header/tag-table.ts';
export type { DependencyKind, HeaderDependency } from './package/dependencies.ts';
export { dependencyKinds, headerDependencies, Sense } from './package/dependencies.ts';
export type { RpmFile } from './package/files.ts';
export { checkFilePath, digestName, FileFlag, fileDigestAlgorithm, filePaths, packageFiles } from './package/files.ts';
export type { PayloadEntry, PayloadOptions } from './package/payload.ts';
export { readPayload } from './package/payload.ts';
export type { RpmPackage } from './package/rpm-package.ts';
// Reading packages.
export { headerNevra, headerNevraText, isSourceHeader, readPackage } from './package/rpm-package.ts';
