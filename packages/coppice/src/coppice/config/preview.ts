import {
  child,
  type Effect,
  effectsOf,
  embeddedBytes,
  embeddedText,
  type Fields,
  isTrue,
  list,
  maybeInt,
  maybeText,
  text,
  texts,
} from '@coppice/ignition';
import type { SubVerbModule } from '../sub-verbs.ts';
import { loadConfig } from './source.ts';

/** A path that a config makes. */
interface Entry {
  readonly path: string;
  readonly type: 'directory' | 'file' | 'link';
  readonly mode: string;
  readonly owner: string;
  /** Target, source of the contents, or what else there is to say. */
  readonly note: string;
  readonly size: number | undefined;
  readonly content: string | undefined;
}

const folder = '/etc/systemd/system';

function owner(value: Fields): string {
  const id = (field: string): string => {
    const fields = child(value, field);
    return maybeText(fields, 'name') ?? String(maybeInt(fields, 'id') ?? 'root').replace(/^0$/, 'root');
  };
  return `${id('user')}:${id('group')}`;
}

const octal = (value: Fields, standard: number): string =>
  Number(maybeInt(value, 'mode') ?? standard)
    .toString(8)
    .padStart(4, '0');

function ofText(path: string, content: string, mode = '0644', who = 'root:root'): Entry {
  const size = new TextEncoder().encode(content).length;
  return { path, type: 'file', mode, owner: who, note: '', size, content };
}

function entriesOf(effect: Effect): Entry[] {
  const { value } = effect;
  switch (effect.kind) {
    case 'directory':
      return [
        {
          path: effect.name,
          type: 'directory',
          mode: octal(value, 0o755),
          owner: owner(value),
          note: '',
          size: undefined,
          content: undefined,
        },
      ];
    case 'link': {
      const note = `${isTrue(value, 'hard') ? '=>' : '->'} ${text(value, 'target')}`;
      return [
        { path: effect.name, type: 'link', mode: '', owner: owner(value), note, size: undefined, content: undefined },
      ];
    }
    case 'file': {
      const contents = child(value, 'contents');
      const source = text(contents, 'source');
      const parts = value['append'];
      const appended = Array.isArray(parts) && parts.length > 0 ? `and ${parts.length} appended` : '';
      const note = [source === '' || source.startsWith('data:') ? '' : `from ${source}`, appended]
        .filter(Boolean)
        .join(' ');
      return [
        {
          path: effect.name,
          type: 'file',
          mode: octal(value, 0o644),
          owner: owner(value),
          note,
          size: source === '' ? 0 : embeddedBytes(contents)?.length,
          content: embeddedText(contents),
        },
      ];
    }
    case 'unit': {
      const path = `${folder}/${effect.name}`;
      const content = text(value, 'contents');
      const out = content === '' ? [] : [ofText(path, content)];
      if (isTrue(value, 'mask'))
        out.push({
          path,
          type: 'link',
          mode: '',
          owner: 'root:root',
          note: '-> /dev/null',
          size: undefined,
          content: undefined,
        });
      return out;
    }
    case 'drop-in':
      return text(value, 'contents') === '' ? [] : [ofText(`${folder}/${effect.name}`, text(value, 'contents'))];
    case 'user': {
      const keys = texts(value, 'sshAuthorizedKeys');
      const home = maybeText(value, 'homeDir') ?? (effect.name === 'root' ? '/root' : `/home/${effect.name}`);
      const who = `${effect.name}:${effect.name}`;
      return keys.length === 0
        ? []
        : [ofText(`${home}/.ssh/authorized_keys.d/ignition`, `${keys.join('\n')}\n`, '0600', who)];
    }
    default:
      return [];
  }
}

/** The preset file that enables and disables units on the first boot. */
function presets(effects: readonly Effect[]): Entry[] {
  const lines = effects
    .filter((effect) => effect.kind === 'unit' && typeof effect.value['enabled'] === 'boolean')
    .map((effect) => `${isTrue(effect.value, 'enabled') ? 'enable' : 'disable'} ${effect.name}\n`);
  return lines.length === 0 ? [] : [ofText('/etc/systemd/system-preset/20-ignition.preset', lines.join(''))];
}

/** A partition as `2 root, 8192 MiB from 1025 MiB`. */
function partitionText(part: Fields): string {
  const name = [String(maybeInt(part, 'number') ?? ''), text(part, 'label')].filter((word) => word !== '').join(' ');
  if (part['shouldExist'] === false) return `${name}, removed`;
  const size = maybeInt(part, 'sizeMiB') ?? 0;
  const start = maybeInt(part, 'startMiB') ?? 0;
  return `${name}, ${size === 0 ? 'the rest' : `${size} MiB`}${start === 0 ? '' : ` from ${start} MiB`}`;
}

export const run: SubVerbModule['run'] = (context, [path], flags) => {
  const effects = effectsOf(loadConfig(context, path as string, flags['filesDir']));
  const entries = [...effects.flatMap(entriesOf), ...presets(effects)].sort((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : 0,
  );
  const others = effects.filter((effect) => !['directory', 'file', 'link', 'unit', 'drop-in'].includes(effect.kind));
  if (flags['json'] === true) {
    const rest = others.map(({ kind, name, value }) => ({ kind, name, value }));
    context.stdout.write(
      `${JSON.stringify({ tree: entries, other: rest }, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v), 2)}\n`,
    );
    return 0;
  }
  const letter = { directory: 'd', file: '-', link: 'l' } as const;
  for (const entry of entries) {
    const size = entry.size === undefined ? '-' : String(entry.size);
    context.stdout.write(
      `${letter[entry.type]} ${entry.mode.padEnd(4)} ${entry.owner.padEnd(10)} ${size.padStart(6)} ${entry.path}${entry.note === '' ? '' : ` ${entry.note}`}\n`,
    );
    if (flags['content'] === true && entry.content !== undefined)
      context.stdout.write(`${entry.content.replace(/\n$/, '').replace(/^/gm, '    ')}\n`);
  }
  for (const effect of others) {
    const details = Object.entries(effect.value)
      .filter(([name, value]) => name !== 'name' && typeof value !== 'object')
      .map(([name, value]) => `${name}=${name === 'passwordHash' ? '...' : String(value)}`);
    context.stdout.write(`${effect.kind} ${effect.name}${details.length === 0 ? '' : ` ${details.join(' ')}`}\n`);
    for (const part of list(effect.value, 'partitions')) context.stdout.write(`  partition ${partitionText(part)}\n`);
  }
  return 0;
};
