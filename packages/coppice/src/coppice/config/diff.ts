import {
  type Change,
  child,
  compareEffects,
  embeddedText,
  type Fields,
  greatestNeed,
  maybeText,
} from '@coppice/ignition';
import { createTwoFilesPatch } from 'diff';
import type { SubVerbModule } from '../sub-verbs.ts';
import { loadConfig } from './source.ts';

const signs = { added: '+', removed: '-', changed: '~' } as const;
const needs: Readonly<Record<Change['need'], string>> = {
  nothing: 'can be applied to a running node',
  reboot: 'needs a reboot',
  're-provision': 'needs a re-provision: Ignition does it on the first boot only',
};

export const run: SubVerbModule['run'] = (context, [oldPath, newPath], flags) => {
  const before = loadConfig(context, oldPath as string, flags['filesDir']);
  const after = loadConfig(context, newPath as string, flags['filesDir']);
  const changes = compareEffects(before, after);
  if (flags['json'] === true) {
    const list = changes.map(({ before: _, after: __, ...rest }) => rest);
    context.stdout.write(`${JSON.stringify({ need: greatestNeed(changes), changes: list }, null, 2)}\n`);
    return changes.length === 0 ? 0 : 1;
  }
  for (const change of changes) {
    const fields = change.fields.length === 0 ? '' : ` (${change.fields.join(', ')})`;
    context.stdout.write(`${signs[change.change]} ${change.kind} ${change.name}${fields}: ${needs[change.need]}\n`);
    if (flags['content'] === true) context.stdout.write(contentDiff(change));
  }
  const verdict = changes.length === 0 ? 'no difference on a node' : `altogether: ${needs[greatestNeed(changes)]}`;
  context.stdout.write(`${verdict}\n`);
  return changes.length === 0 ? 0 : 1;
};

/** Text of a file or unit; undefined when there is none to show. */
function contentOf(value: Fields | undefined): string | undefined {
  return value === undefined ? '' : (maybeText(value, 'contents') ?? embeddedText(child(value, 'contents')));
}

function contentDiff(change: Change): string {
  if (!['file', 'unit', 'drop-in'].includes(change.kind)) return '';
  const before = contentOf(change.before);
  const after = contentOf(change.after);
  if (before === undefined || after === undefined || before === after) return '';
  const lines = createTwoFilesPatch('old', 'new', before, after, '', '').split('\n').slice(1);
  return `${lines.map((line) => (line === '' ? '' : `    ${line}`)).join('\n')}`;
}
