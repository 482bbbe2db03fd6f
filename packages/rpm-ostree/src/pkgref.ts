// Names of the refs that hold imported packages: rpmostree/pkg/NAME/EVR.ARCH, each component escaped to what a ref may hold.
import { CoppiceError } from '@coppice/base';
import { formatEvr, type Nevra, parseNevra } from './nevra.ts';

export const packageRefPrefix = 'rpmostree/pkg/';

/** `[A-Za-z0-9.-]` stays, `_` doubles, every other byte becomes `_XX` in upper-case hex. */
export function escapeRefComponent(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9.-]/.test(char)) out += char;
    else if (char === '_') out += '__';
    else out += `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** Inverse of `escapeRefComponent`; throws `Invalid` for what it cannot have written. */
export function unescapeRefComponent(text: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char !== '_') {
      bytes.push(...Buffer.from(char));
      continue;
    }
    if (text[i + 1] === '_') {
      bytes.push(0x5f);
      i += 1;
      continue;
    }
    const hex = text.slice(i + 1, i + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) throw new CoppiceError('Invalid', `Invalid escape in cache branch: ${text}`);
    bytes.push(Number.parseInt(hex, 16));
    i += 2;
  }
  return Buffer.from(bytes).toString();
}

/** The ref of an imported package, e.g. `rpmostree/pkg/tcpdump/14_3A4.9.3-1.fc31.x86__64`. */
export function packageRef(nevra: Nevra): string {
  return `${packageRefPrefix}${escapeRefComponent(nevra.name)}/${escapeRefComponent(`${formatEvr(nevra)}.${nevra.arch}`)}`;
}

/** The package a `rpmostree/pkg/...` ref holds; throws `Invalid`. */
export function packageOfRef(ref: string): Nevra {
  const rest = ref.startsWith(packageRefPrefix) ? ref.slice(packageRefPrefix.length) : ref;
  return parseNevra(rest.split('/').map(unescapeRefComponent).join('-'));
}
