import { CoppiceError } from '@coppice/base';

/** `KEY=VALUE` of an option. Throws with the original's words. */
export function parseKeyValue(text: string, option: string): [key: string, value: string] {
  const eq = text.indexOf('=');
  if (eq < 0) throw new CoppiceError('Usage', `Missing '=' in KEY=VALUE for --${option}`);
  return [text.slice(0, eq), text.slice(eq + 1)];
}
