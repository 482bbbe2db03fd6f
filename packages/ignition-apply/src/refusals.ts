import { child, type Fields, list, text, texts } from '@coppice/ignition';

/** What a config asks for that a directory cannot give: disks, arrays, volumes, file systems, kernel arguments. */
export function needsDisk(config: Fields): string[] {
  const storage = child(config, 'storage');
  const found: string[] = [];
  const name = (kind: string, key: string): void => {
    for (const item of list(storage, kind)) found.push(`storage.${kind}: ${text(item, key)}`);
  };
  name('disks', 'device');
  name('raid', 'name');
  name('luks', 'name');
  name('filesystems', 'device');
  const kernel = child(config, 'kernelArguments');
  for (const list of ['shouldExist', 'shouldNotExist'])
    for (const argument of texts(kernel, list)) found.push(`kernelArguments.${list}: ${argument}`);
  return found;
}
