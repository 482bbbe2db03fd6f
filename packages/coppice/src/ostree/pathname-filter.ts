import { CoppiceError } from '@coppice/base';

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' };

/** `REGEX,REPLACEMENT` as a function on paths. `\N` and `\g<N>` in the replacement are groups, as GRegex has them. */
export function pathnameFilter(text: string): (path: string) => string {
  const comma = text.indexOf(',');
  if (comma < 0) throw new CoppiceError('Usage', "Missing ',' in --tar-pathname-filter");
  const source = text.slice(0, comma);
  let regex: RegExp;
  try {
    regex = new RegExp(source, 'gu');
  } catch (error) {
    throw new CoppiceError(
      'Usage',
      `--tar-pathname-filter: Error while compiling regular expression ‘${source}’: ${(error as Error).message}`,
    );
  }
  const replacement = text.slice(comma + 1);
  return (path) =>
    path.replace(regex, (...groups: unknown[]) =>
      replacement.replace(/\\(?:g<(\d+)>|(\d)|(.))/g, (_, long?: string, short?: string, other?: string) => {
        const number = long ?? short;
        if (number !== undefined) return String(groups[Number(number)] ?? '');
        return escapes[other ?? ''] ?? other ?? '';
      }),
    );
}
