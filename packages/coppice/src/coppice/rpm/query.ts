import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import {
  changelogText,
  type DependencyKind,
  databaseKind,
  dependencyKinds,
  dependencyLines,
  dumpLines,
  fileLines,
  formatNevra,
  type Header,
  headerNevra,
  headerXml,
  type InstalledPackage,
  installedPackages,
  mergeSignatures,
  packageInfoText,
  RpmDb,
  readPackage,
  scriptsText,
  Tag,
  tagInfo,
  textBytes,
} from '@coppice/rpm';
import type { Context } from '../../cli/context.ts';
import type { SubVerbModule } from '../sub-verbs.ts';

function headerJson(header: Header): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const tag of header.tags()) {
    const info = tagInfo(tag);
    const { type } = header.entry(tag)!;
    const values =
      type === 7
        ? Buffer.from(header.getBinary(tag)!).toString('base64')
        : type >= 6
          ? header.getStrings(tag)
          : header.getNumbers(tag);
    out[info?.name ?? String(tag)] = Array.isArray(values) && info?.array === false ? values[0] : values;
  }
  return out;
}

function byName(path: string, name: string): InstalledPackage[] {
  using db = RpmDb.open(path, { readOnly: true });
  return db.byName(name);
}

/** Headers of package files, or of installed packages by name. */
function* headers(context: Context, names: readonly string[], dbpath: string | undefined): Generator<Header> {
  if (dbpath === undefined) {
    for (const name of names) {
      const pkg = readPackage(resolve(context.cwd, name));
      yield mergeSignatures(pkg.header, pkg.signature);
    }
    return;
  }
  const path = resolve(context.cwd, dbpath);
  for (const name of names) {
    const found =
      databaseKind(path) === 'sqlite' && name !== '*'
        ? byName(path, name)
        : [...installedPackages(path)].filter((p) => name === '*' || p.nevra.name === name);
    if (found.length === 0) throw new CoppiceError('NotFound', `package ${name} is not installed`);
    for (const { header } of found) yield header;
  }
}

export const run: SubVerbModule['run'] = (context, [names], flags) => {
  const lines = (list: readonly string[]): void => {
    for (const line of list) context.stdout.write(textBytes(`${line}\n`));
  };
  const json: unknown[] = [];
  for (const header of headers(context, names as readonly string[], flags['dbpath'] as string | undefined)) {
    let shown = false;
    const show = (flag: string, print: () => void): void => {
      if (flags[flag] !== true) return;
      print();
      shown = true;
    };
    if (flags['json'] === true) {
      json.push(headerJson(header));
      continue;
    }
    show('info', () => context.stdout.write(textBytes(packageInfoText(header))));
    show('xml', () => context.stdout.write(headerXml(header)));
    show('list', () => lines(fileLines(header)));
    show('dump', () => lines(dumpLines(header)));
    show('scripts', () => context.stdout.write(textBytes(scriptsText(header))));
    show('changelog', () => context.stdout.write(textBytes(changelogText(header))));
    for (const kind of dependencyKinds as readonly DependencyKind[])
      show(kind, () => lines(dependencyLines(header, kind)));
    if (!shown) {
      const nevra = headerNevra(header);
      // As rpm prints names: without the epoch.
      lines([formatNevra({ ...nevra, epoch: undefined, arch: header.has(Tag.Arch) ? nevra.arch : undefined })]);
    }
  }
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  return 0;
};
