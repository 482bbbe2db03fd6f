// Holds our output against the article's: equal but for what no two runs share.

export type Comparison = 'lines' | 'set' | 'listing' | 'none';

const masks: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{64}\b/g, '<checksum>'],
  [/\b[0-9A-F]{40}\b/g, '<fingerprint>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>'],
  // A build id: the directory and the rest of a SHA-1.
  [/\.build-id\/[0-9a-f]{2}\/[0-9a-f]{38}/g, '.build-id/<id>'],
  [/\.build-id\/[0-9a-f]{2}$/g, '.build-id/<id>'],
  // `ostree ls`: the size column.
  [/^([-dl]\d{5} \d+ \d+) +\d+ /g, '$1 <size> '],
  // Transfer progress.
  [/^[⠁-⣿] /g, ''],
  [/Receiving objects: \d+% \(\d+\/\d+\).*/g, 'Receiving objects: <progress>'],
];

function mask(line: string): string {
  let out = line.trimEnd();
  for (const [pattern, text] of masks) out = out.replace(pattern, text);
  return out;
}

/** `ls -l` lines as type, permissions, name and link target; `.` of SELinux, counts, owners' widths, sizes and dates are left out. */
function listing(lines: readonly string[]): string[] {
  return lines
    .filter((line) => /^[-dlcbps][rwxsStT-]{9}/.test(line))
    .map((line) => {
      const match = /^(\S{10})\.?\s+\d+\s+(\S+)\s+(\S+)\s+\d+\s+\S+\s+\S+\s+\S+\s+(.*)$/.exec(line.trimEnd());
      // The group's write permission is the umask of whoever made the folders.
      const mode = match?.[1]?.replace(/^(.{5})w/, '$1-');
      return match === null ? line : `${mode} ${match[2]} ${match[3]} ${mask(match[4]!)}`;
    })
    .sort();
}

function collapse(lines: readonly string[]): string[] {
  // A progress line that was redrawn stands once.
  return lines.filter((line, i) => line !== lines[i - 1] || !line.includes('<progress>'));
}

/** The two texts in the form in which they must be equal. */
export function comparable(kind: Comparison, lines: readonly string[]): string[] {
  switch (kind) {
    case 'none':
      return [];
    case 'listing':
      return listing(lines);
    case 'set':
      return lines
        .map(mask)
        .filter((line) => line !== '')
        .sort();
    case 'lines':
      return collapse(lines.map(mask));
  }
}
