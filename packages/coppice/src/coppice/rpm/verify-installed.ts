// `rpm -V`: installed packages against what their headers say.
import { join, resolve } from 'node:path';
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import {
  FileFlag,
  formatHeader,
  type Header,
  InstalledCapabilities,
  type InstalledPackage,
  installedPackages,
  namedFormats,
  parseQueryFormat,
  realPathInRoot,
  selectPackages,
  Tag,
  VerifyFlag,
  verifyDependenciesLines,
  verifyFilesLines,
} from '@coppice/rpm';
import { encodeFileCapabilities } from '@coppice/rpm-ostree';
import type { Context } from '../../cli/context.ts';
import { databasePlace } from './database-place.ts';
import { packageNames, readNamedPackage } from './package-argument.ts';

/** commander has `--noX` flags under their own names; what each leaves out. */
const omissions: Readonly<Record<string, number>> = {
  nofiledigest: VerifyFlag.digest,
  nomd5: VerifyFlag.digest,
  nosize: VerifyFlag.size,
  nolinkto: VerifyFlag.link,
  nouser: VerifyFlag.user,
  nogroup: VerifyFlag.group,
  nomtime: VerifyFlag.mtime,
  nomode: VerifyFlag.mode,
  nordev: VerifyFlag.device,
  nocaps: VerifyFlag.caps,
};

type Flags = Readonly<Record<string, unknown>>;

function bitsOf(flags: Flags, table: Readonly<Record<string, number>>): number {
  return Object.entries(table).reduce((all, [flag, bit]) => (flags[flag] === true ? all | bit : all), 0);
}

/** Packages that a name means; a line of text where there is none. */
function* chosen(
  context: Context,
  name: string,
  flags: Flags,
  packages: readonly InstalledPackage[],
  root: string,
): Generator<Header | string | CoppiceError> {
  if (flags['package'] === true) {
    for (const file of packageNames(context, [name]))
      try {
        yield readNamedPackage(context, file).header;
      } catch (error) {
        if (!isCoppiceError(error) || error.kind === 'bug') throw error;
        yield error;
      }
    return;
  }
  const real = (directory: string): string => realPathInRoot(hostFs, root, directory) ?? directory;
  const selector = flags['all'] === true ? 'all' : flags['file'] === true ? 'file' : 'label';
  const subject = selector === 'file' ? resolve(root === '/' ? context.cwd : '/', name) : name;
  const found = selectPackages(packages, selector, subject, real);
  if (found.length === 0 && selector === 'file' && hostFs.lstat(join(root, subject)) === undefined)
    yield new CoppiceError('NotFound', `file ${subject}: No such file or directory`);
  else if (found.length === 0 && selector === 'file') yield `file ${subject} is not owned by any package`;
  else if (found.length === 0 && selector === 'label') yield `package ${name} is not installed`;
  for (const { header } of found) yield header;
}

/** Prints what `rpm -V` prints; its exit status. */
export function verifyInstalled(context: Context, names: readonly string[], flags: Flags): number {
  const database = databasePlace(context.cwd, flags);
  if (database === undefined) throw new CoppiceError('Usage', 'installed packages need --dbpath or --root');
  if (names.length === 0 && flags['all'] !== true) throw new CoppiceError('Usage', 'no arguments given for verify');
  const { root } = database;
  const packages = [...installedPackages(database.path)];
  const capabilities = new InstalledCapabilities(packages);
  const label = parseQueryFormat(namedFormats.name.replace('\\n', ''));
  const only = bitsOf(flags, { configfiles: FileFlag.config, docfiles: FileFlag.doc, licensefiles: FileFlag.license });
  const options = {
    root,
    omit: bitsOf(flags, omissions),
    without: bitsOf(flags, { noghost: FileFlag.ghost, noconfig: FileFlag.config, noartifact: FileFlag.artifact }),
    verbose: flags['verbose'] === true,
    owners: (path: string) => capabilities.owners(path).length,
    encodeCapabilities: encodeFileCapabilities,
    ...(only === 0 ? {} : { only }),
  };
  let status = 0;
  for (const name of flags['all'] === true && names.length === 0 ? ['*'] : names) {
    // As rpm counts: per name the last package that is not as it should be, by its files or else its requirements.
    let last = 0;
    for (const item of chosen(context, name, flags, packages, root)) {
      if (isCoppiceError(item)) {
        last = 1;
        context.stdout.flush();
        context.stderr.write(`error: ${item.message}\n`);
      } else if (typeof item === 'string') {
        last = 1;
        context.stdout.write(`${item}\n`);
      } else {
        const title = formatHeader(item, label).toString();
        const unmet = flags['nodeps'] === true ? [] : verifyDependenciesLines(item, title, capabilities);
        if (unmet.length > 0) context.stdout.write(`Unsatisfied dependencies for ${title}:\n`);
        for (const line of unmet) context.stdout.write(`\t${line}\n`);
        const lines = flags['nofiles'] === true ? [] : verifyFilesLines(item, options);
        for (const line of lines) context.stdout.write(`${line}\n`);
        last = (lines.some((line) => !/^\.{9} /.test(line)) ? 1 : unmet.length) || last;
        if (flags['noscripts'] !== true && item.has(Tag.VerifyScript)) {
          context.stdout.flush();
          context.stderr.write(`warning: the verify scriptlet of ${title} was not run\n`);
        }
      }
    }
    status += last;
  }
  return Math.min(status, 255);
}
