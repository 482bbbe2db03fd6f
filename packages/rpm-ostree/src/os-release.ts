/** Fields of an os-release file, unquoted. */
export function parseOsRelease(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim());
    if (match === null) continue;
    const raw = match[2]!;
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    out.set(match[1]!, quoted === null ? raw : quoted[2]!.replace(/\\(["\\$`])/g, '$1'));
  }
  return out;
}

/**
 * `mutate-os-release`: in VERSION, PRETTY_NAME and OSTREE_VERSION the base version becomes the compose's version.
 * `base` is the version the distribution put there (e.g. `31`), `version` the new one.
 */
export function mutateOsRelease(text: string, base: string, version: string): string {
  const lines = text.split('\n').filter((l) => !l.startsWith('OSTREE_VERSION='));
  const out = lines.map((line) => (/^(VERSION|PRETTY_NAME)=/.test(line) ? line.replace(base, version) : line));
  while (out.at(-1) === '') out.pop();
  return `${[...out, `OSTREE_VERSION='${version}'`].join('\n')}\n`;
}
