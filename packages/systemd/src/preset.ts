// Preset files (systemd.preset(5)): which units are enabled on the first boot, and enabling them as links per [Install].

import type { FileSystem } from '@coppice/base/fs';
import { unescapeName } from './escape.ts';
import { below, makeParents } from './tree-write.ts';
import { parseUnit } from './unit.ts';

export interface PresetRule {
  readonly verb: 'enable' | 'disable' | 'ignore';
  /** Shell pattern on unit names. */
  readonly pattern: string;
  /** Instances of a template, for `enable`. */
  readonly instances: readonly string[];
}

/** Rules of one preset file, in order; lines that are none are skipped as systemd skips them. */
export function parsePreset(text: string): PresetRule[] {
  const rules: PresetRule[] = [];
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [verb, pattern, ...instances] = words;
    if (pattern === undefined || (verb !== 'enable' && verb !== 'disable' && verb !== 'ignore')) continue;
    rules.push({ verb, pattern, instances: verb === 'enable' ? instances : [] });
  }
  return rules;
}

/** `fnmatch` without flags, as far as preset patterns use it: `*`, `?`, `[...]`, backslash. */
export function matchesPattern(pattern: string, name: string): boolean {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '*') source += '.*';
    else if (c === '?') source += '.';
    else if (c === '\\' && i + 1 < pattern.length) source += pattern[++i]!.replace(/[^\w]/g, '\\$&');
    else if (c === '[' && pattern.indexOf(']', i + 2) > 0) {
      const end = pattern.indexOf(']', i + 2);
      const set = pattern.slice(i + 1, end).replace(/\\/g, '\\\\');
      source += `[${set.startsWith('!') ? `^${set.slice(1)}` : set}]`;
      i = end;
    } else source += c.replace(/[^\w]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 's').test(name);
}

/** What the first matching rule says of a unit; without a match units are enabled. */
export function presetOf(rules: readonly PresetRule[], unit: string): PresetRule {
  const template = unit.replace(/@[^.]*\./, '@.');
  const found = rules.find(
    (rule) =>
      matchesPattern(rule.pattern, unit) ||
      (template !== unit && rule.pattern === template && rule.instances.includes(unit.replace(/^.*?@|\.[^.]*$/g, ''))),
  );
  return found ?? { verb: 'enable', pattern: unit, instances: [] };
}

const presetDirs = [
  '/etc/systemd/system-preset',
  '/run/systemd/system-preset',
  '/usr/local/lib/systemd/system-preset',
  '/usr/lib/systemd/system-preset',
];
const unitDirs = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
];
const unitName = /^[A-Za-z0-9:_.\\@-]+\.(service|socket|target|path|timer|mount|automount|swap|device|slice|scope)$/;

interface Reader {
  readonly fs: FileSystem;
  readonly root: string;
  readonly readFile: (path: string) => Uint8Array;
}

function names(reader: Reader, dir: string): string[] {
  const path = below(reader.root, dir);
  const stat = reader.fs.lstat(path);
  return stat === undefined || (stat.mode & 0o170000) !== 0o040000 ? [] : reader.fs.readdir(path);
}

/** Text of a regular file; undefined for anything else (links into the tree's own files are left to systemd). */
function textOf(reader: Reader, path: string): string | undefined {
  const full = below(reader.root, path);
  const stat = reader.fs.lstat(full);
  if (stat === undefined || (stat.mode & 0o170000) !== 0o100000) return undefined;
  return new TextDecoder().decode(reader.readFile(full));
}

/** All rules of a tree: files of the same name are taken from the first directory that has them, and ordered by name. */
export function presetRules(reader: Reader): PresetRule[] {
  const files = new Map<string, string>();
  for (const dir of presetDirs) {
    for (const name of names(reader, dir))
      if (name.endsWith('.preset') && !files.has(name)) files.set(name, `${dir}/${name}`);
  }
  return [...files.keys()].sort().flatMap((name) => parsePreset(textOf(reader, files.get(name)!) ?? ''));
}

/** The links that enabling a unit makes, as link path to target, both absolute; and further units to enable with it. */
export function installLinks(
  unit: string,
  path: string,
  text: string,
  instance?: string,
): { links: Map<string, string>; also: string[] } {
  const links = new Map<string, string>();
  const also: string[] = [];
  let options: ReturnType<typeof parseUnit>;
  try {
    options = parseUnit(text);
  } catch {
    // A unit that systemd cannot read it does not enable either.
    return { links, also };
  }
  const fallback = options.find((o) => o.section === 'Install' && o.name === 'DefaultInstance')?.value;
  const chosen = instance ?? fallback;
  // A template without an instance is linked for nothing but its aliases.
  const name = unit.includes('@.') && chosen !== undefined ? unit.replace('@.', `@${chosen}.`) : unit;
  const specifiers: Record<string, string> = {
    n: name,
    N: name.replace(/\.[^.]*$/, ''),
    p: name.replace(/@.*$|\.[^.]*$/, ''),
    i: chosen ?? '',
    I: chosen === undefined ? '' : unescapeName(chosen),
    '%': '%',
  };
  const expand = (word: string): string => word.replace(/%(.)/g, (all, c: string) => specifiers[c] ?? all);
  for (const { section, name: key, value } of options) {
    if (section !== 'Install') continue;
    for (const word of value
      .split(/\s+/)
      .filter((w) => w !== '')
      .map(expand)) {
      if (!unitName.test(word)) continue;
      if (key === 'WantedBy' || key === 'RequiredBy' || key === 'UpheldBy') {
        if (name.includes('@.')) continue;
        const kind = key === 'WantedBy' ? 'wants' : key === 'RequiredBy' ? 'requires' : 'upholds';
        links.set(`/etc/systemd/system/${word}.${kind}/${name}`, path);
      } else if (key === 'Alias') links.set(`/etc/systemd/system/${word}`, path);
      else if (key === 'Also') also.push(word);
    }
  }
  return { links, also };
}

export interface PresetOptions {
  readonly fs: FileSystem;
  /** Reads a file whole; the caller bounds it. */
  readonly readFile: (path: string) => Uint8Array;
}

/**
 * `systemctl preset-all` on the tree at `root`, as systemd does on a first boot: every unit is enabled or disabled as the
 * rules say. Links are made and removed below /etc/systemd/system only. Gives the links made, and those removed.
 */
export function presetAll(root: string, options: PresetOptions): { enabled: string[]; disabled: string[] } {
  const { fs } = options;
  const reader: Reader = { ...options, root };
  const rules = presetRules(reader);
  const units = new Map<string, string>();
  for (const dir of unitDirs) {
    for (const name of names(reader, dir))
      if (unitName.test(name) && !units.has(name)) units.set(name, `${dir}/${name}`);
  }
  const wanted = new Map<string, string>();
  const unwanted = new Set<string>();
  const enable = (unit: string, instances: readonly string[], seen: Set<string>): void => {
    if (seen.has(unit)) return;
    seen.add(unit);
    const path = units.get(unit);
    const text = path === undefined ? undefined : textOf(reader, path);
    if (path === undefined || text === undefined) return;
    for (const instance of instances.length > 0 ? instances : [undefined]) {
      const { links, also } = installLinks(unit, path, text, instance);
      for (const [link, target] of links) wanted.set(link, target);
      for (const other of also) enable(other, [], seen);
    }
  };
  for (const [unit, path] of units) {
    const rule = presetOf(rules, unit);
    if (rule.verb === 'enable') enable(unit, rule.instances, new Set());
    else if (rule.verb === 'disable') {
      for (const link of installLinks(unit, path, textOf(reader, path) ?? '').links.keys()) unwanted.add(link);
    }
  }
  const enabled: string[] = [];
  const disabled: string[] = [];
  for (const link of unwanted) {
    const full = below(root, link);
    const stat = fs.lstat(full);
    if (wanted.has(link) || stat === undefined || (stat.mode & 0o170000) !== 0o120000) continue;
    fs.unlink(full);
    disabled.push(link);
  }
  for (const [link, target] of wanted) {
    const full = below(root, link);
    if (fs.lstat(full) !== undefined) continue;
    makeParents(fs, root, link);
    fs.symlink(target, full);
    enabled.push(link);
  }
  return { enabled, disabled };
}
