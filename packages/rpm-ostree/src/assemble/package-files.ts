// Which paths of an image belong to a package, seen from its RPM header.
import { type Header, packageFiles, type RpmFile } from '@coppice/rpm';
import { importPath } from '../import/path.ts';

export interface ImageFile {
  /** Relative path in the image. */
  readonly path: string;
  readonly file: RpmFile;
}

/** Files of a package that an image keeps, with their place in it. */
export function* imageFiles(header: Header): Generator<ImageFile, void, undefined> {
  for (const file of packageFiles(header)) {
    let place: ReturnType<typeof importPath>;
    try {
      place = importPath(file.path.replace(/^\//, ''));
    } catch {
      continue;
    }
    if (place.kind === 'store' && place.path !== '') yield { path: place.path, file };
  }
}
