import { encodeBase64 } from './base64.ts';
import { embeddedBytes } from './contents.ts';
import { child, type Fields, isFields, list, text, texts, type Value } from './value.ts';

export type EffectKind =
  | 'reference'
  | 'setting'
  | 'node setting'
  | 'kernel argument'
  | 'disk'
  | 'array'
  | 'encrypted device'
  | 'file system'
  | 'group'
  | 'user'
  | 'directory'
  | 'file'
  | 'link'
  | 'unit'
  | 'drop-in';

/** One thing that a config makes or sets on a node. */
export interface Effect {
  readonly kind: EffectKind;
  /** What it is known by: a path, a name, a device. */
  readonly name: string;
  readonly value: Fields;
}

const storageKinds: readonly (readonly [string, EffectKind, string])[] = [
  ['disks', 'disk', 'device'],
  ['raid', 'array', 'name'],
  ['luks', 'encrypted device', 'name'],
  ['filesystems', 'file system', 'device'],
  ['directories', 'directory', 'path'],
  ['files', 'file', 'path'],
  ['links', 'link', 'path'],
];

/**
 * Everything a config (of the latest version) does, in the order in which it is done; with `nodeSettings` also what stands
 * beside the config in a MachineConfig.
 */
export function effectsOf(config: Fields): Effect[] {
  const out: Effect[] = [];
  const ignition = child(config, 'ignition');
  const references = child(ignition, 'config');
  const replace = child(references, 'replace');
  if (text(replace, 'source') !== '') out.push({ kind: 'reference', name: text(replace, 'source'), value: replace! });
  for (const each of list(references, 'merge'))
    out.push({ kind: 'reference', name: text(each, 'source'), value: each });
  for (const name of ['proxy', 'security', 'timeouts']) {
    const value = child(ignition, name);
    if (value !== undefined && Object.keys(value).length > 0) out.push({ kind: 'setting', name, value });
  }
  for (const [name, value] of Object.entries(child(config, 'nodeSettings') ?? {}))
    if (!Array.isArray(value) || value.length > 0) out.push({ kind: 'node setting', name, value: { value } });
  const kernel = child(config, 'kernelArguments');
  for (const name of texts(kernel, 'shouldExist'))
    out.push({ kind: 'kernel argument', name, value: { present: true } });
  for (const name of texts(kernel, 'shouldNotExist'))
    out.push({ kind: 'kernel argument', name, value: { present: false } });
  const storage = child(config, 'storage');
  const ofStorage = (names: readonly string[]): void => {
    for (const [field, kind, key] of storageKinds)
      if (names.includes(field))
        for (const value of list(storage, field)) out.push({ kind, name: text(value, key), value });
  };
  ofStorage(['disks', 'raid', 'luks', 'filesystems']);
  const passwd = child(config, 'passwd');
  for (const value of list(passwd, 'groups')) out.push({ kind: 'group', name: text(value, 'name'), value });
  for (const value of list(passwd, 'users')) out.push({ kind: 'user', name: text(value, 'name'), value });
  ofStorage(['directories', 'files', 'links']);
  for (const unit of list(child(config, 'systemd'), 'units')) {
    const name = text(unit, 'name');
    const { dropins: _, ...value } = unit;
    if (Object.keys(value).some((key) => key !== 'name')) out.push({ kind: 'unit', name, value });
    for (const dropin of list(unit, 'dropins'))
      out.push({ kind: 'drop-in', name: `${name}.d/${text(dropin, 'name')}`, value: dropin });
  }
  return out;
}

/** What it takes until a running node has a change. */
export type Need = 'nothing' | 'reboot' | 're-provision';

export interface Change {
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: EffectKind;
  readonly name: string;
  /** Fields that differ, of a changed thing. */
  readonly fields: readonly string[];
  readonly need: Need;
  readonly before: Fields | undefined;
  readonly after: Fields | undefined;
}

/** What differs between the effects of two configs (both of the latest version). */
export function compareEffects(before: Fields, after: Fields): Change[] {
  const key = (effect: Effect): string => `${effect.kind}\0${effect.name}`;
  const old = new Map(effectsOf(before).map((effect) => [key(effect), effect]));
  const out: Change[] = [];
  for (const effect of effectsOf(after)) {
    const was = old.get(key(effect));
    old.delete(key(effect));
    const fields = was === undefined ? [] : differingFields(was.value, effect.value);
    if (was !== undefined && fields.length === 0) continue;
    const change = was === undefined ? 'added' : 'changed';
    const { kind, name } = effect;
    out.push({
      change,
      kind,
      name,
      fields,
      need: needOf(kind, name, change, fields),
      before: was?.value,
      after: effect.value,
    });
  }
  for (const { kind, name, value } of old.values())
    out.push({
      change: 'removed',
      kind,
      name,
      fields: [],
      need: needOf(kind, name, 'removed', []),
      before: value,
      after: undefined,
    });
  return out;
}

/** Ignition runs once: disks and identities are only made then. What lies in /etc and /var can be put there later. */
function needOf(kind: EffectKind, name: string, change: Change['change'], fields: readonly string[]): Need {
  switch (kind) {
    case 'disk':
    case 'array':
    case 'encrypted device':
    case 'file system':
      return 're-provision';
    case 'reference':
    case 'setting':
      return 're-provision';
    case 'user':
    case 'group':
      if (change !== 'changed') return change === 'added' ? 'nothing' : 're-provision';
      return fields.every((field) => ['sshAuthorizedKeys', 'passwordHash', 'groups', 'shell', 'gecos'].includes(field))
        ? 'nothing'
        : 're-provision';
    case 'node setting':
      return name === 'fips' ? 're-provision' : 'reboot';
    default:
      return 'reboot';
  }
}

/** The greater need counts. */
export function greatestNeed(changes: readonly Change[]): Need {
  for (const need of ['re-provision', 'reboot'] as const) if (changes.some((each) => each.need === need)) return need;
  return 'nothing';
}

function differingFields(a: Fields, b: Fields): string[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.filter((name) => canonicalText(a[name]) !== canonicalText(b[name]));
}

/** JSON with sorted keys, empty things left out and data URLs in one form. */
function canonicalText(value: Value): string {
  return JSON.stringify(canonical(value) ?? null);
}

function canonical(value: Value): Value {
  if (Array.isArray(value)) return value.length === 0 ? undefined : (value as readonly Value[]).map(canonical);
  if (typeof value === 'bigint') return String(value);
  if (!isFields(value)) return value === '' ? undefined : value;
  const bytes = embeddedBytes(value);
  const fields: Fields =
    bytes === undefined ? value : { ...value, source: `data:;base64,${encodeBase64(bytes)}`, compression: undefined };
  const out: Fields = {};
  for (const name of Object.keys(fields).sort()) {
    const found = canonical(fields[name]);
    if (found !== undefined) out[name] = found;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}
