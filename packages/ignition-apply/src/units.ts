import { dirname } from 'node:path';
import { checkPathComponent } from '@coppice/base';
import { type Fields, isTrue, list, text } from '@coppice/ignition';
import type { Root } from './root.ts';

const unitDir = '/etc/systemd/system';
const presetPath = '/etc/systemd/system-preset/20-ignition.preset';

/** Writes units and drop-ins, masks and unmasks, and lists enabled and disabled units in a preset file, in this order. */
export function createUnits(units: readonly Fields[], root: Root, touched: (path: string) => void): void {
  const write = (path: string, content: string): void => {
    const resolved = root.resolve(path);
    root.makeDirectories(dirname(resolved));
    root.writeFile(resolved, new TextEncoder().encode(content.toWellFormed()), 0o644);
    touched(resolved);
  };
  const presets = new Map<string, { verb: string; unit: string; instances: string[] }>();
  for (const unit of units) {
    const name = checkPathComponent(text(unit, 'name'), 'systemd unit');
    for (const dropin of list(unit, 'dropins'))
      if (text(dropin, 'contents') !== '')
        write(
          `${unitDir}/${name}.d/${checkPathComponent(text(dropin, 'name'), 'systemd drop-in')}`,
          text(dropin, 'contents'),
        );
    if (text(unit, 'contents') !== '') write(`${unitDir}/${name}`, text(unit, 'contents'));
    if (unit['enabled'] !== undefined) addPreset(name, isTrue(unit, 'enabled'), presets);
    if (unit['mask'] !== undefined) setMask(name, isTrue(unit, 'mask'), root, touched);
  }
  if (presets.size === 0) return;
  const lines = [...presets.values()].map(
    ({ verb, unit, instances }) =>
      `${verb} ${[unit, ...(instances.length === 0 ? [] : [instances.join(' ')])].join(' ')}\n`,
  );
  const preset = root.resolve(presetPath, true);
  const stat = root.lstat(preset);
  const before = root.readText(presetPath);
  if (stat === undefined || before === undefined) write(presetPath, lines.join(''));
  else {
    root.rewriteFile(preset, new TextEncoder().encode(before + lines.join('')), stat);
    touched(preset);
  }
}

function addPreset(
  name: string,
  enabled: boolean,
  presets: Map<string, { verb: string; unit: string; instances: string[] }>,
): void {
  const verb = enabled ? 'enable' : 'disable';
  const at = name.indexOf('@');
  const dot = name.lastIndexOf('.');
  const template = at < 0 ? name : name.slice(0, at + 1) + name.slice(dot);
  const key = `${verb} ${template}`;
  const known = presets.get(key) ?? { verb, unit: template, instances: [] };
  if (at >= 0) known.instances.push(name.slice(at + 1, dot));
  presets.set(key, known);
}

/** A masked unit is a link to /dev/null in place of whatever is there; unmasking removes only such a link. */
function setMask(name: string, mask: boolean, root: Root, touched: (path: string) => void): void {
  const path = root.resolve(`${unitDir}/${name}`);
  root.makeDirectories(dirname(path));
  const stat = root.lstat(path);
  const masked =
    stat !== undefined && (stat.mode & 0o170000) === 0o120000 && root.fs.readlink(root.host(path)) === '/dev/null';
  if (mask && !masked) {
    root.remove(path);
    root.fs.symlink('/dev/null', root.host(path));
    touched(path);
  } else if (!mask && masked) root.fs.unlink(root.host(path));
}
