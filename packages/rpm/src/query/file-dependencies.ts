import { formatDependency } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { headerDependencies } from '../package/dependencies.ts';

/** For each file what it provides or requires, parted by blanks: FILEDEPENDSX and FILEDEPENDSN name a run of DEPENDSDICT. */
export function fileDependencies(header: Header, kind: 'provides' | 'requires'): string[] {
  const count = header.getStrings(Tag.BaseNames).length;
  const starts = header.getNumbers(Tag.FileDependsX);
  const lengths = header.getNumbers(Tag.FileDependsN);
  const dictionary = header.getNumbers(Tag.DependsDict);
  const letter = kind === 'provides' ? 0x50 : 0x52;
  const dependencies = headerDependencies(header, kind);
  return Array.from({ length: count }, (_, i) =>
    dictionary
      .slice(starts[i] ?? 0, (starts[i] ?? 0) + (lengths[i] ?? 0))
      .filter((word) => word >>> 24 === letter)
      .map((word) => dependencies[word & 0xffffff])
      .flatMap((dependency) => (dependency === undefined ? [] : [formatDependency(dependency)]))
      .join(' '),
  );
}
