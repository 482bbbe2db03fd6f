// Triggers, file triggers and transaction file triggers: for each script what it waits for and when it runs.
import { formatDependency, senseMask } from '../dependency.ts';
import type { Header } from '../header/header.ts';
import { Tag } from '../header/tag.ts';
import { Sense } from '../package/dependencies.ts';

/** The tags of one kind of trigger. */
export interface TriggerKind {
  readonly scripts: number;
  readonly names: number;
  readonly versions: number;
  readonly flags: number;
  readonly indexes: number;
  readonly conditions: number;
  readonly types: number;
}

export const triggerKinds: readonly TriggerKind[] = [
  {
    scripts: Tag.TriggerScripts,
    names: Tag.TriggerName,
    versions: Tag.TriggerVersion,
    flags: Tag.TriggerFlags,
    indexes: Tag.TriggerIndex,
    conditions: Tag.TriggerConds,
    types: Tag.TriggerType,
  },
  {
    scripts: Tag.FileTriggerScripts,
    names: Tag.FileTriggerName,
    versions: Tag.FileTriggerVersion,
    flags: Tag.FileTriggerFlags,
    indexes: Tag.FileTriggerIndex,
    conditions: Tag.FileTriggerConds,
    types: Tag.FileTriggerType,
  },
  {
    scripts: Tag.TransFileTriggerScripts,
    names: Tag.TransFileTriggerName,
    versions: Tag.TransFileTriggerVersion,
    flags: Tag.TransFileTriggerFlags,
    indexes: Tag.TransFileTriggerIndex,
    conditions: Tag.TransFileTriggerConds,
    types: Tag.TransFileTriggerType,
  },
];

/** `name OP version` of everything that starts a script, by script. */
export function triggerConditions(header: Header, kind: TriggerKind): string[] {
  const indexes = header.getNumbers(kind.indexes);
  const versions = header.getStrings(kind.versions);
  const flags = header.getNumbers(kind.flags);
  const all = header.getStrings(kind.names).map((name, i) => {
    const bits = (flags[i] ?? 0) & senseMask;
    return formatDependency({ name, flags: bits, evr: versions[i] ?? '' });
  });
  return header.getStrings(kind.scripts).map((_, script) => all.filter((_name, i) => indexes[i] === script).join(', '));
}

/** `in`, `un`, `postun` or `prein` of trigger flags; empty for others. */
export function triggerType(flags: number): string {
  if (flags & Sense.triggerPreIn) return 'prein';
  if (flags & Sense.triggerIn) return 'in';
  if (flags & Sense.triggerUn) return 'un';
  return flags & Sense.triggerPostUn ? 'postun' : '';
}

export function triggerTypes(header: Header, kind: TriggerKind): string[] {
  const indexes = header.getNumbers(kind.indexes);
  const flags = header.getNumbers(kind.flags);
  return header.getStrings(kind.scripts).map((_, script) => triggerType(flags[indexes.indexOf(script)] ?? 0));
}
