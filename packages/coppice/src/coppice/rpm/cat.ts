import { CoppiceError } from '@coppice/base';
import type { SubVerbModule } from '../sub-verbs.ts';
import { readNamedPackage } from './package-argument.ts';

export const run: SubVerbModule['run'] = (context, [name, path]) => {
  const pkg = readNamedPackage(context, name as string);
  const file = pkg.files().find((f) => f.path === path);
  if (file === undefined) throw new CoppiceError('NotFound', `${name}: no file ${path}`);
  if ((file.mode & 0o170000) === 0o040000) throw new CoppiceError('Invalid', `${name}: ${path} is a directory`);
  let found = false;
  for (const entry of pkg.payload()) {
    // Of hard links the content stands with one of the names.
    const same = file.inode !== 0 && entry.file.inode === file.inode && entry.file.device === file.device;
    if (entry.hardlink !== undefined || (entry.path !== path && !same)) continue;
    for (const piece of entry.read()) context.stdout.write(piece);
    found = true;
  }
  if (!found) throw new CoppiceError('NotFound', `${name}: ${path} has no content in the payload`);
  return 0;
};
