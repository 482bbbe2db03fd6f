// @coppice/rpm: packages, repositories, the package database and the solver.

export type { RpmLevel } from './compat.ts';
export type { BuildOptions, BuiltPackage } from './build/build-package.ts';
// Writing packages.
export { buildPackage, writePackage } from './build/build-package.ts';
export { parsePackageSpec } from './build/spec-file.ts';
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
export { resignedHead, type ResignOptions } from './build/sign-package.ts';
// Versions, dependencies and names.
export { parseCapability, parseDependencyText } from './capability.ts';
export type { Dependency } from './dependency.ts';
export {
  dependenciesOverlap,
  formatDependency,
  operatorOf,
  rangesOverlap,
  sense,
  senseMask,
  senseOf,
} from './dependency.ts';
export type { Evr } from './evr.ts';
export { compareEvr, compareEvrText, formatEvr, parseEvr, rpmvercmp } from './evr.ts';
export type { HeaderEntry, HeaderRegion } from './header/header.ts';
// Headers: tags in, values out.
export { Header, headerMagic } from './header/header.ts';
export { HeaderBuilder } from './header/header-builder.ts';
export { HeaderType, SigTag, Tag } from './header/tag.ts';
export type { TagInfo } from './header/tag-table.ts';
export { tagByName, tagInfo } from './header/tag-table.ts';
export type { Nevra, NevraForm } from './nevra.ts';
export { formatNevra, nevraForms, parseNevraForm, parseSubject } from './nevra.ts';
export type { DependencyKind, HeaderDependency } from './package/dependencies.ts';
export { dependencyKinds, headerDependencies, Sense } from './package/dependencies.ts';
export type { RpmFile } from './package/files.ts';
export { checkFilePath, FileFlag, fileDigestAlgorithm, filePaths, packageFiles } from './package/files.ts';
export type { HashAlgorithm } from './package/hash-algorithm.ts';
export { digestName, hashAlgorithm } from './package/hash-algorithm.ts';
export type { PayloadEntry, PayloadOptions } from './package/payload.ts';
export { readPayload } from './package/payload.ts';
export type { RpmPackage } from './package/rpm-package.ts';
// Reading, checking and unpacking packages.
export { headerNevra, headerNevraText, isSourceHeader, readPackage } from './package/rpm-package.ts';
export type { UnpackOptions } from './package/unpack.ts';
export { unpackPackage } from './package/unpack.ts';
export type { CheckStatus, PackageCheck, PackageVerdict } from './package/checks.ts';
export { checkLine, verdictSummary, verifyPackage } from './package/verify.ts';
// What rpm -q prints.
export type { ListingOptions } from './query/listing.ts';
export { dumpLines, fileLines } from './query/listing.ts';
export { namedFormats } from './query/named-formats.ts';
export type { QueryFormat } from './query/query-format.ts';
export { formatHeader, parseQueryFormat } from './query/query-format.ts';
export type { PackageSelector } from './query/select.ts';
export { pathInRoot, realPathInRoot } from './query/root-path.ts';
export { selectPackages } from './query/select.ts';
export { InstalledCapabilities, verifyDependenciesLines } from './query/verify-dependencies.ts';
export type { VerifyFilesOptions } from './query/verify-files.ts';
export { VerifyFlag, verifyFilesLines } from './query/verify-files.ts';
export type { QueryFacts, TagValue } from './query/tag-value.ts';
export { queryTag, queryTagNames, tagValue } from './query/tag-value.ts';
export { verifyString } from './query/value-format.ts';
export { headerXml, textBytes } from './query/xml.ts';
export { parseXml, XmlElement } from './repodata/xml-document.ts';
export type { CreatedRepository, CreateOptions, MetadataDerivation } from './repodata/create-options.ts';
export type { DerivedOptions } from './repodata/derived-metadata.ts';
export { repositoryDerivation } from './repodata/derived-metadata.ts';
// Repositories: making and reading their metadata.
export { createRepository, createRepositoryConcurrently } from './repodata/create-repository.ts';
export { DigestCache } from './repodata/digest-cache.ts';
export { readFilelists, readOther } from './repodata/details-reader.ts';
export type { PackageChoice } from './repodata/find-packages.ts';
export type { LoadedRepository, LoadOptions } from './repodata/load-repository.ts';
export { findRecord, loadDetails, loadRepository, metadataBytes } from './repodata/load-repository.ts';
export { expandArchs } from './repodata/merge-archs.ts';
export type { MergeMethod } from './repodata/merge-choice.ts';
export type { MergeOptions } from './repodata/merge-repositories.ts';
export { mergeRepositories } from './repodata/merge-repositories.ts';
export type { ModifyOptions, RepositoryChange } from './repodata/modify-repository.ts';
export { modifyRepository } from './repodata/modify-repository.ts';
export type { MetadataKind } from './repodata/metadata-writer.ts';
export { metadataChunks, packageXml } from './repodata/metadata-writer.ts';
export type { DescribeFileOptions, FileDigest } from './repodata/package-file.ts';
export { describePackageFile } from './repodata/package-file.ts';
export { PackageTable } from './repodata/package-table.ts';
export { addTable } from './repodata/pool-filler.ts';
export { readPrimary } from './repodata/primary-reader.ts';
export type { Repomd, RepomdChecksum, RepomdRecord } from './repodata/repomd.ts';
export { checkHref, parseRepomd, writeRepomd } from './repodata/repomd.ts';
export type { RepoChangelog, RepoDependency, RepoFile, RepositoryPackage } from './repodata/repository-package.ts';
export { describePackage, isPrimaryFile } from './repodata/repository-package.ts';
// Repositories: configuration, mirrors, advisories, groups, modules, zchunk.
export type { Comps, CompsEnvironment, CompsGroup } from './repository/comps.ts';
export { parseComps } from './repository/comps.ts';
export type { FetchedRepository, FetchRepositoryOptions } from './repository/fetch-repository.ts';
export { fetchRepository } from './repository/fetch-repository.ts';
export type { Metalink, MetalinkHashes } from './repository/metalink.ts';
export { baseOfRepomd, parseMetalink, parseMirrorlist } from './repository/metalink.ts';
export type { ModularFilter, ModuleState } from './repository/module-filter.ts';
export { applyModularFilter, modularFilter } from './repository/module-filter.ts';
export type { ModuleDefaults, ModuleStream, Modules } from './repository/modules.ts';
export { parseModules } from './repository/modules.ts';
export type { RepositoryConfig } from './repository/repo-file.ts';
export {
  loadRepoFiles,
  parseIni,
  parseRepoFile,
  repositoryVariables,
  substituteVariables,
} from './repository/repo-file.ts';
export type { Advisory, AdvisoryPackage, AdvisoryReference } from './repository/updateinfo.ts';
export { advisoryCves, parseUpdateinfo, readUpdateinfo } from './repository/updateinfo.ts';
export { readZchunkHeader, unzchunk } from './repository/zchunk.ts';
export type { ZchunkFile, ZchunkOptions } from './repository/zchunk-writer.ts';
export { writeZchunk } from './repository/zchunk-writer.ts';
export type { RichDependency, RichNode, RichOperator } from './rich.ts';
export { formatRichDependency, isRich, parseRichDependency, simpleDependencies } from './rich.ts';
// The package database.
export { type DatabaseKind, databaseKind, installedPackages } from './rpmdb/any-database.ts';
export type { InstallFacts } from './rpmdb/installed-header.ts';
export { installedHeader, mergeSignatures } from './rpmdb/installed-header.ts';
export { databaseKeyring, importPublicKeys, pubkeyHeader } from './rpmdb/pubkey.ts';
export type { InstalledPackage, RpmDbOptions } from './rpmdb/rpmdb.ts';
export { RpmDb } from './rpmdb/rpmdb.ts';

// Solver: fill a Pool with repositories, then ask through a Goal (as rpm-ostree and dnf do) or with plain jobs through solve().
export type { Alternative } from './solver/alternatives.ts';
export { alternativesOf, alternativeText } from './solver/alternatives.ts';
export type { CheckOptions, SolutionFault } from './solver/check.ts';
export { checkSolution, installedAfter } from './solver/check.ts';
export type { ChainLink, Explanation } from './solver/explain.ts';
export { explainProblem, explanationLines } from './solver/explain.ts';
export type { GoalOptions, GoalResult } from './solver/goal.ts';
export { depsolveError, Goal, goalFlags, nameWithRepo, problemLines } from './solver/goal.ts';
export type { Job, JobAction, JobFlags, Selection, SolverFlags } from './solver/job.ts';
export { defaultSolverFlags } from './solver/job.ts';
export type { RuleInfo } from './solver/pkg-rules.ts';
export type { PoolFlags } from './solver/pool-flags.ts';
export type { DependencyList, PoolPackageSpec } from './solver/pool-package.ts';
export { Pool } from './solver/pool.ts';
export { field } from './solver/pool-package.ts';
export { PoolRepo } from './solver/pool-repo.ts';
export { problemInfo, problemInfos } from './solver/problems.ts';
export { recommendedOf } from './solver/recommended.ts';
export { infoText } from './solver/rule-info.ts';
export type { TransactionOrder } from './solver/order.ts';
export { orderTransaction } from './solver/order.ts';
export { concessionTexts, jobText, problemTextLines } from './solver/solution-text.ts';
export type { Concession, ProblemSolution } from './solver/solutions.ts';
export { problemSolutions } from './solver/solutions.ts';
export type { Solution } from './solver/solve.ts';
export { solve } from './solver/solve.ts';
export type { SubjectForm, SubjectMatch } from './solver/subject.ts';
export { globMatcher, matchSubject } from './solver/subject.ts';
export type { Step, StepKind } from './solver/transaction.ts';
export { Transaction } from './solver/transaction.ts';
