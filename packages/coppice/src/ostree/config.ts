import { CoppiceError, isCoppiceError } from '@coppice/base';
import type { OstreeCall, OstreeVerb } from './verb.ts';

export const verb: OstreeVerb = {
  params: '(get KEY|set KEY VALUE|unset KEY)',
  summary: 'Change repo configuration settings',
  options: () => [{ long: 'group', arg: '', help: 'Group name' }],
  run(call: OstreeCall) {
    const { repo, operands } = call;
    const [operation] = operands;
    if (operation === undefined) call.usage('OPERATION must be specified');
    if (operands.length > (operation === 'set' ? 3 : 2)) call.usage('Too many arguments given');
    switch (operation) {
      case 'set': {
        const { group, key } = splitKey(call, 3, ['GROUP name, KEY and VALUE', 'KEY and VALUE']);
        repo.config.setString(group, key, operands[2]!);
        repo.writeConfig({ unchecked: !repo.compat.checksConfig });
        return;
      }
      case 'get': {
        const { group, key } = splitKey(call, 2, ['Group name and key', 'KEY']);
        try {
          call.print(repo.config.getString(group, key));
        } catch (error) {
          // The original prints what it made of a value that it then complains of.
          if (isCoppiceError(error, 'Invalid')) call.print(knownEscapes(repo.config.getRaw(group, key)));
          throw error;
        }
        return;
      }
      case 'unset': {
        const { group, key } = splitKey(call, 2, ['Group name and key', 'KEY']);
        try {
          repo.config.unset(group, key);
        } catch (error) {
          if (!isCoppiceError(error, 'NotFound')) throw error;
          // Nothing is written then, so it works in places that cannot be written to.
          return;
        }
        repo.writeConfig({ unchecked: !repo.compat.checksConfig });
        return;
      }
      default:
        throw new CoppiceError('Usage', `Unknown operation ${operation}`);
    }
  },
};

const escapes: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };

/** A raw value with the escapes that there are expanded, and others left. */
function knownEscapes(raw: string): string {
  return raw.replace(/\\(.?)/g, (whole, c: string) => escapes[c] ?? whole);
}

/** Group and key: `--group` names the group, else all before the first dot does. `wanted` words, with and without a group. */
function splitKey(
  { operands, options }: OstreeCall,
  words: number,
  wanted: readonly [withGroup: string, without: string],
): { group: string; key: string } {
  const group = options.string('group');
  if (operands.length < words) {
    throw new CoppiceError('Usage', `${group === undefined ? wanted[1] : wanted[0]} must be specified`);
  }
  const text = operands[1]!;
  if (group !== undefined) return { group, key: text };
  const dot = text.indexOf('.');
  if (dot < 0) throw new CoppiceError('Usage', 'Key must be of the form "sectionname.keyname"');
  return { group: text.slice(0, dot), key: text.slice(dot + 1) };
}
