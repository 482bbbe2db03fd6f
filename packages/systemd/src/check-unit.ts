import { escapePath } from './escape.ts';
import { parseUnit } from './unit.ts';

/** Something about a unit file that keeps it from doing its work, though systemd can read it. */
export interface UnitFinding {
  readonly code:
    | 'no-section'
    | 'no-exec'
    | 'many-exec'
    | 'no-trigger'
    | 'mount-name'
    | 'unknown-section'
    | 'missing-wants';
  /** The unit's name, then what the finding is about. */
  readonly args: readonly string[];
}

/** The section that a unit of a kind must have; kinds that need none are missing. */
const ownSection: Readonly<Record<string, string>> = {
  service: 'Service',
  socket: 'Socket',
  mount: 'Mount',
  automount: 'Automount',
  swap: 'Swap',
  timer: 'Timer',
  path: 'Path',
};
const known = ['Unit', 'Install', 'Service', 'Socket', 'Mount', 'Automount', 'Swap', 'Timer', 'Path', 'Slice', 'Scope'];
const triggers: Readonly<Record<string, RegExp>> = { timer: /^On[A-Z]/, socket: /^Listen/, path: /^(Path|Directory)/ };
const triggerNames: Readonly<Record<string, string>> = { timer: 'On...=', socket: 'Listen...=', path: 'Path...=' };

/** Names of all sections of a unit file, in order. */
export function unitSections(content: string): string[] {
  return [...content.matchAll(/^\[([^\]\n]+)\]/gm)].map((match) => match[1]!);
}

/** What is wrong with a unit file beyond its syntax. Throws `Invalid` as `parseUnit` does. */
export function checkUnit(name: string, content: string): UnitFinding[] {
  const options = parseUnit(content);
  const findings: UnitFinding[] = [];
  const found = (code: UnitFinding['code'], ...args: string[]): void => {
    findings.push({ code, args: [name, ...args] });
  };
  const kind = name.slice(name.lastIndexOf('.') + 1);
  const sections = unitSections(content);
  for (const section of new Set(sections))
    if (!known.includes(section) && !section.startsWith('X-')) found('unknown-section', section);
  const own = ownSection[kind];
  if (own === undefined) return findings;
  if (!sections.includes(own)) {
    found('no-section', own);
    return findings;
  }
  const mine = options.filter((option) => option.section === own);
  const last = (key: string): string | undefined => mine.findLast((option) => option.name === key)?.value;
  if (kind === 'service') {
    const starts = mine.filter((option) => option.name === 'ExecStart');
    const effective = starts.slice(starts.findLastIndex((option) => option.value === '') + 1).length;
    if (effective === 0 && last('ExecStop') === undefined && last('SuccessAction') === undefined) found('no-exec');
    if (effective > 1 && last('Type') !== 'oneshot') found('many-exec');
  }
  const trigger = triggers[kind];
  if (trigger !== undefined && !mine.some((option) => trigger.test(option.name)))
    found('no-trigger', triggerNames[kind]!);
  const where = last('Where');
  if ((kind === 'mount' || kind === 'automount') && where !== undefined && !name.includes('@')) {
    const wanted = `${escapePath(where)}.${kind}`;
    if (wanted !== name) found('mount-name', where, wanted);
  }
  const values = (key: string): string[] =>
    options.filter((o) => o.section === 'Unit' && o.name === key).flatMap((o) => o.value.split(/\s+/));
  const online = 'network-online.target';
  if (values('After').includes(online) && !['Wants', 'Requires', 'BindsTo'].some((key) => values(key).includes(online)))
    found('missing-wants', online);
  return findings;
}
