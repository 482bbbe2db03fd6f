import { messageOf } from '@coppice/base';
import { hasSection, parseUnit, type UnitOption } from '@coppice/systemd';
import { pathExtension } from '../go-path.ts';
import { goQuote } from '../go-quote.ts';
import type { Report } from '../report.ts';
import { isTrue, list, text } from '../value.ts';
import type { PathOf, Rule } from './rules.ts';

const extensions = new Set(
  '.service .socket .device .mount .automount .swap .target .path .timer .snapshot .slice .scope'.split(' '),
);

/** Options of unit contents; undefined (and an error in the report) when they cannot be read. */
function readContents(contents: string, path: PathOf, report: Report): UnitOption[] | undefined {
  try {
    return parseUnit(contents);
  } catch (error) {
    report.error(path, 'unit-content', messageOf(error));
    return undefined;
  }
}

export const unit: Rule = (value, path, { report }) => {
  const name = text(value, 'name');
  const contents = text(value, 'contents');
  if (!extensions.has(pathExtension(name))) report.error([...path, 'name'], 'unit-extension');
  if (contents === '') return;
  const at = [...path, 'contents'];
  const options = readContents(contents, at, report);
  if (options !== undefined && isTrue(value, 'enabled') && !hasSection(options, 'Install'))
    report.warn(at, 'unit-no-install', goQuote(name));
};

export const dropin: Rule = (value, path, { report }) => {
  const contents = text(value, 'contents');
  if (contents !== '') readContents(contents, [...path, 'contents'], report);
  if (pathExtension(text(value, 'name')) !== '.conf') report.error([...path, 'name'], 'dropin-extension');
};

/** Enabled instances whose listed template cannot be enabled. */
export const systemd: Rule = (value, path, { report }) => {
  const units = list(value, 'units');
  const byName = new Map(units.map((item) => [text(item, 'name'), item]));
  units.forEach((item, i) => {
    const match = /^(.+)@(.+)\.service$/.exec(text(item, 'name'));
    if (match === null || !isTrue(item, 'enabled')) return;
    const template = `${match[1]}@.service`;
    const contents = text(byName.get(template), 'contents');
    if (contents === '') return;
    let options: UnitOption[];
    try {
      options = parseUnit(contents);
    } catch {
      return;
    }
    if (!hasSection(options, 'Install'))
      report.warn(
        [...path, 'units', i, 'contents'],
        'unit-template-no-install',
        goQuote(template),
        goQuote(text(item, 'name')),
      );
  });
};
