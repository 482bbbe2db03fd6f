// Changes of an origin as users ask for them: each checked against what is requested and what the base has.
import { createHash } from 'node:crypto';
import { CoppiceError, prefixError } from '@coppice/base';
import { readPackage } from '@coppice/rpm';
import { importPackage, nevraOfHeader } from '../import/package-commit.ts';
import { formatNevra, parseNevra } from '../nevra.ts';
import type { LocalPackage, Origin } from '../origin.ts';
import { basePackages, databaseScratch } from './base-packages.ts';
import type { Client } from './client.ts';
import { requestsInBase } from './resolve.ts';

export interface PackageChangeOptions {
  readonly install: readonly string[];
  readonly uninstall: readonly string[];
  /** Drop all layered packages first. */
  readonly uninstallAll?: boolean;
  readonly allowInactive?: boolean;
  readonly idempotent?: boolean;
  /** Let files of local packages replace others. */
  readonly forceReplaceFiles?: boolean;
}

/** Imports a package given as a file and returns its entry for the origin. */
export function importLocalPackage(client: Client, path: string): LocalPackage {
  const rpm = (() => {
    try {
      return readPackage(path, { fs: client.fs });
    } catch (error) {
      throw prefixError(error, `Importing local package ${path}`);
    }
  })();
  const nevra = nevraOfHeader(rpm.header);
  if (rpm.nevra.arch === 'src')
    throw new CoppiceError('Invalid', `${path} appears to be a source RPM; only binary RPMs can be layered`);
  const { headerSha256 } = client.repo.transaction((txn) =>
    importPackage(txn, rpm, {
      repodataChecksum: `sha256:${createHash('sha256').update(rpm.headerBytes).digest('hex')}`,
    }),
  );
  return { sha256: headerSha256, nevra: formatNevra(nevra) };
}

const isFile = (argument: string): boolean => argument.endsWith('.rpm');

function removeRequests(origin: Origin, options: PackageChangeOptions): Origin {
  let { packages, localPackages, localFileOverrides } = origin;
  for (const name of options.uninstall) {
    const matches = (p: LocalPackage): boolean => p.nevra === name || parseNevra(p.nevra).name === name;
    if (packages.includes(name)) packages = packages.filter((p) => p !== name);
    else if (localPackages.some(matches)) localPackages = localPackages.filter((p) => !matches(p));
    else if (localFileOverrides.some(matches)) localFileOverrides = localFileOverrides.filter((p) => !matches(p));
    else if (options.idempotent !== true)
      throw new CoppiceError('NotFound', `Package/capability '${name}' is not currently requested`);
  }
  return { ...origin, packages, localPackages, localFileOverrides };
}

function checkAlreadyProvided(
  client: Client,
  base: string,
  wanted: readonly string[],
  options: PackageChangeOptions,
): void {
  if (options.allowInactive === true || wanted.length === 0) return;
  const { candidates, nevras } = basePackages({ repo: client.repo, scratch: databaseScratch(client) }, base);
  const arch = nevras.find((p) => p.arch !== 'noarch')?.arch ?? 'x86_64';
  for (const [request, providers] of requestsInBase(candidates, wanted, arch)) {
    throw new CoppiceError(
      'Exists',
      `"${request}" is already provided by: ${providers.map(formatNevra).sort().join(' ')}. Use --allow-inactive to explicitly require it.`,
    );
  }
}

/** The origin after installing and uninstalling. Throws `NotFound`, `Exists` with the original's words. */
export function changePackages(client: Client, origin: Origin, base: string, options: PackageChangeOptions): Origin {
  let next =
    options.uninstallAll === true ? { ...origin, packages: [], localPackages: [], localFileOverrides: [] } : origin;
  next = removeRequests(next, options);
  const wanted: string[] = [];
  for (const argument of options.install) {
    if (isFile(argument)) {
      const local = importLocalPackage(client, argument);
      const list = options.forceReplaceFiles === true ? 'localFileOverrides' : 'localPackages';
      if ([...next.localPackages, ...next.localFileOverrides].some((p) => p.nevra === local.nevra)) {
        if (options.idempotent === true) continue;
        throw new CoppiceError('Exists', `Package '${local.nevra}' is already layered`);
      }
      next = { ...next, [list]: [...next[list], local] };
      continue;
    }
    if (next.packages.includes(argument)) {
      if (options.idempotent === true) continue;
      throw new CoppiceError('Exists', `Package/capability '${argument}' is already requested`);
    }
    if (!wanted.includes(argument)) wanted.push(argument);
  }
  // As the original: also when asked again, a package that the base has is worth an explicit word.
  checkAlreadyProvided(client, base, wanted, options);
  return { ...next, packages: [...next.packages, ...wanted] };
}
