// Text in the character set of the locale, as GLib converts what it prints (before 2.90; g_convert_with_fallback, with `?` for
// what the set does not have) and the values of options (g_locale_to_utf8).
import { CoppiceError } from '@coppice/base';
import { localeCharset } from './locale-charset.ts';

type Env = Readonly<Record<string, string | undefined>>;

const beyondAscii = /[^\x00-\x7f]/;
const eachBeyondAscii = /[^\x00-\x7f]/gu;

/** Undefined for a set that is unknown here, which leaves text as it is. */
function decoder(charset: string): ((bytes: Uint8Array) => string) | undefined {
  if (/^iso-?8859-?1$/i.test(charset)) return (bytes) => Buffer.from(bytes).toString('latin1');
  try {
    const decode = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
    return (bytes) => decode.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of the characters of a set, of one or two each. */
function encodings(decode: (bytes: Uint8Array) => string): Map<string, readonly number[]> {
  const out = new Map<string, readonly number[]>();
  const put = (...bytes: number[]): boolean => {
    try {
      const text = decode(Uint8Array.from(bytes));
      if ([...text].length === 1 && !out.has(text)) out.set(text, bytes);
      return true;
    } catch {
      return false;
    }
  };
  for (let first = 0x80; first < 0x100; first++) {
    if (put(first)) continue;
    for (let second = 0x30; second < 0x100; second++) put(first, second);
  }
  return out;
}

const isUtf8 = (charset: string): boolean => charset.includes('UTF-8');
const isAscii = (charset: string): boolean => /^(US-ASCII|ASCII|ANSI_X3\.4-1968)$/.test(charset);

/** Puts text into the set of the locale, which is looked up when the first character needs it. */
export function localeEncoder(env: Env): (text: string) => string | Uint8Array {
  let encode: ((text: string) => string | Uint8Array) | undefined;
  return (text) => {
    if (!beyondAscii.test(text)) return text;
    encode ??= encoderOf(localeCharset(env));
    return encode(text);
  };
}

function encoderOf(charset: string): (text: string) => string | Uint8Array {
  if (isUtf8(charset)) return (text) => text;
  if (isAscii(charset)) return (text) => text.replace(eachBeyondAscii, '?');
  const decode = decoder(charset);
  if (decode === undefined) return (text) => text;
  const known = encodings(decode);
  return (text) =>
    Buffer.from([...text].flatMap((char) => (char < '\x80' ? char.charCodeAt(0) : (known.get(char) ?? 0x3f))));
}

/** The value of an option as the program sees it. Throws `Usage` for what is no text in the set of the locale. */
export function fromLocale(text: string, env: Env): string {
  if (!beyondAscii.test(text)) return text;
  const charset = localeCharset(env);
  if (isUtf8(charset)) return text;
  const wrong = (): never => {
    throw new CoppiceError('Usage', 'Invalid byte sequence in conversion input');
  };
  if (isAscii(charset)) return wrong();
  try {
    return decoder(charset)?.(Buffer.from(text)) ?? text;
  } catch {
    return wrong();
  }
}
