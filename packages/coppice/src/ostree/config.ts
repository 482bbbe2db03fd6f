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
    if (operands.length > 3) call.usage('Too many arguments given');
    switch (operation) {
      case 'set': {
        const { group, key } = splitKey(
          call,
          operands.length < 3,
          operands.length > 3,
          'KEY and VALUE must be specified',
        );
        repo.config.setString(group, key, operands[2]!);
        repo.writeConfig();
        return;
      }
      case 'get': {
        const { group, key } = splitKey(call, operands.length < 2, operands.length > 2, 'KEY must be specified');
        call.print(repo.config.getString(group, key));
        return;
      }
      case 'unset': {
        const { group, key } = splitKey(call, operands.length < 2, operands.length > 2, 'KEY must be specified');
        try {
          repo.config.unset(group, key);
        } catch (error) {
          if (!isCoppiceError(error, 'NotFound')) throw error;
        }
        repo.writeConfig();
        return;
      }
      default:
        throw new CoppiceError('Usage', `Unknown operation ${operation}`);
    }
  },
};

/** Group and key: `--group` names the group, else all before the last dot does. */
function splitKey(
  call: OstreeCall,
  tooFew: boolean,
  tooMany: boolean,
  missing: string,
): { group: string; key: string } {
  if (tooFew) throw new CoppiceError('Usage', missing);
  if (tooMany) call.usage('Too many arguments given');
  const text = call.operands[1]!;
  const group = call.options.string('group');
  if (group !== undefined) return { group, key: text };
  const dot = text.lastIndexOf('.');
  if (dot < 0) throw new CoppiceError('Usage', 'Key must be of the form "sectionname.keyname"');
  return { group: text.slice(0, dot), key: text.slice(dot + 1) };
}
