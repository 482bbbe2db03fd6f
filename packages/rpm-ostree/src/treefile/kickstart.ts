// The little of a kickstart file that counts as a treefile: `%packages` with what to install and, after a dash, what to leave
// out, and `%include`.
import { CoppiceError } from '@coppice/base';

interface KickstartTreefile {
  packages?: string[];
  'exclude-packages'?: string[];
  recommends?: boolean;
  include?: string[];
}

function packageOptions(words: readonly string[], out: KickstartTreefile): void {
  for (const word of words) {
    if (word !== '--exclude-weakdeps') throw new CoppiceError('Invalid', `unexpected argument '${word}' for %packages`);
    out.recommends = false;
  }
}

/** Reads a kickstart file as the document of a treefile. Throws `Invalid` for anything it does not know. */
export function parseKickstart(text: string): KickstartTreefile {
  const out: KickstartTreefile = {};
  let inside = false;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (raw.startsWith('#') || line === '') continue;
    if (inside) {
      if (line === '%end') inside = false;
      else if (line.startsWith('-')) out['exclude-packages'] = [...(out['exclude-packages'] ?? []), line.slice(1)];
      else out.packages = [...(out.packages ?? []), line];
      continue;
    }
    const [verb, ...rest] = line.split(/\s+/) as [string, ...string[]];
    if (verb === '%packages') {
      packageOptions(rest, out);
      inside = true;
    } else if (verb === '%include') {
      const path = rest[0]?.replace(/^(["'])(.*)\1$/, '$2');
      if (path === undefined) throw new CoppiceError('Invalid', 'Missing path for %include');
      if (rest.length > 1) throw new CoppiceError('Invalid', 'Too many arguments for %include');
      out.include = [...(out.include ?? []), path];
    } else throw new CoppiceError('Invalid', `Unhandled verb: ${verb}`);
  }
  if (inside) throw new CoppiceError('Invalid', 'Missing %end for %packages');
  return out;
}
