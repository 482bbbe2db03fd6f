import { resolve } from 'node:path';
import { CoppiceError } from '@coppice/base';
import { hostFs } from '@coppice/linux';
import { textBytes, unpackPackage } from '@coppice/rpm';
import type { SubVerbModule } from '../sub-verbs.ts';
import { readNamedPackage, underName } from './package-argument.ts';

export const run: SubVerbModule['run'] = (context, [name], flags) => {
  const pkg = readNamedPackage(context, name as string);
  if (typeof flags['extract'] === 'string') {
    const dir = resolve(context.cwd, flags['extract']);
    underName(context, flags['extract'], () => {
      if (hostFs.lstat(dir) === undefined) hostFs.mkdir(dir, 0o755);
      else if (hostFs.readdir(dir).length > 0) throw new CoppiceError('Exists', `${dir} is not empty`);
    });
    unpackPackage(pkg, dir);
    return 0;
  }
  const entries = [...pkg.payload()].map(({ path, mode, size, hardlink, file }) => ({
    path,
    mode: mode.toString(8),
    size,
    user: file.user,
    group: file.group,
    ...(hardlink === undefined ? {} : { hardlink }),
    ...(file.linkTarget === '' ? {} : { target: file.linkTarget }),
    ...(file.caps === '' ? {} : { caps: file.caps }),
  }));
  if (flags['json'] === true) context.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
  else
    for (const e of entries)
      context.stdout.write(
        textBytes(
          `${e.mode.padStart(6, '0')} ${e.user} ${e.group} ${String(e.size).padStart(9)} ${e.path}${e.target === undefined ? '' : ` -> ${e.target}`}\n`,
        ),
      );
  return 0;
};
