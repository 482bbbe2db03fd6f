import { child, embeddedText, type Fields, list, maybeText, type Path, type Report, text } from '@coppice/ignition';
import { escapePath, parseUnit, type UnitOption } from '@coppice/systemd';
import { found } from './rules-table.ts';

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

function read(content: string): UnitOption[] | undefined {
  try {
    return parseUnit(content);
  } catch {
    // The validator reports it.
    return undefined;
  }
}

const sectionNames = (content: string): string[] =>
  [...content.matchAll(/^\[([^\]\n]+)\]/gm)].map((match) => match[1]!);

/** Units that systemd would refuse, or that would do nothing. */
export function checkUnits(config: Fields, report: Report): void {
  const generated = generatedUnits(config);
  list(child(config, 'systemd'), 'units').forEach((unit, i) => {
    const at: Path = ['systemd', 'units', i];
    const name = text(unit, 'name');
    const quadlet = generated.get(name);
    const content = maybeText(unit, 'contents') ?? '';
    if (quadlet !== undefined && unit['enabled'] === true && content === '')
      found(report, [...at, 'enabled'], 'quadlet-enabled', name, quadlet);
    if (content === '') return;
    const options = read(content);
    if (options !== undefined && unit['mask'] !== true) checkUnit(name, content, options, [...at, 'contents'], report);
  });
}

function checkUnit(name: string, content: string, options: readonly UnitOption[], at: Path, report: Report): void {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  const sections = sectionNames(content);
  for (const section of new Set(sections))
    if (!known.includes(section) && !section.startsWith('X-')) found(report, at, 'unit-unknown-section', name, section);
  const own = ownSection[kind];
  if (own === undefined) return;
  if (!sections.includes(own)) {
    found(report, at, 'unit-no-section', name, own);
    return;
  }
  const mine = options.filter((option) => option.section === own);
  const last = (key: string): string | undefined => mine.findLast((option) => option.name === key)?.value;
  if (kind === 'service') {
    const starts = mine.filter((option) => option.name === 'ExecStart');
    const effective = starts.slice(starts.findLastIndex((option) => option.value === '') + 1).length;
    if (effective === 0 && last('ExecStop') === undefined && last('SuccessAction') === undefined)
      found(report, at, 'unit-no-exec', name);
    if (effective > 1 && last('Type') !== 'oneshot') found(report, at, 'unit-many-exec', name);
  }
  const trigger = triggers[kind];
  if (trigger !== undefined && !mine.some((option) => trigger.test(option.name)))
    found(report, at, 'unit-no-trigger', name, triggerNames[kind]!);
  const where = last('Where');
  if ((kind === 'mount' || kind === 'automount') && where !== undefined && !name.includes('@')) {
    const wanted = `${escapePath(where)}.${kind}`;
    if (wanted !== name) found(report, at, 'unit-mount-name', name, where, wanted);
  }
  const values = (key: string): string[] =>
    options.filter((o) => o.section === 'Unit' && o.name === key).flatMap((o) => o.value.split(/\s+/));
  const online = 'network-online.target';
  if (values('After').includes(online) && !['Wants', 'Requires', 'BindsTo'].some((key) => values(key).includes(online)))
    found(report, at, 'unit-missing-wants', name, online);
}

const quadletFolder =
  /^\/etc\/containers\/systemd\/(?:users\/(?:\d+\/)?)?([^/]+)\.(container|volume|network|kube|image|build|pod)$/;
const quadletSection: Readonly<Record<string, string>> = {
  container: 'Container',
  volume: 'Volume',
  network: 'Network',
  kube: 'Kube',
  image: 'Image',
  build: 'Build',
  pod: 'Pod',
};
const suffixes: Readonly<Record<string, string>> = { container: '', kube: '', volume: '-volume', network: '-network' };

/** Units that quadlets become, by name, with the quadlet's file name. */
function generatedUnits(config: Fields): Map<string, string> {
  const out = new Map<string, string>();
  for (const file of list(child(config, 'storage'), 'files')) {
    const [, stem, kind] = quadletFolder.exec(text(file, 'path')) ?? [];
    if (stem !== undefined && kind !== undefined)
      out.set(`${stem}${suffixes[kind] ?? `-${kind}`}.service`, `${stem}.${kind}`);
  }
  return out;
}

/** Mistakes in quadlet files. */
export function checkQuadlets(config: Fields, report: Report): void {
  list(child(config, 'storage'), 'files').forEach((file, i) => {
    const [, stem, kind] = quadletFolder.exec(text(file, 'path')) ?? [];
    const content = embeddedText(child(file, 'contents'));
    if (stem === undefined || kind === undefined || content === undefined) return;
    const at: Path = ['storage', 'files', i, 'contents'];
    const name = `${stem}.${kind}`;
    const sections = sectionNames(content);
    if (!sections.includes(quadletSection[kind]!)) {
      found(report, at, 'quadlet-no-section', name, quadletSection[kind]!);
      return;
    }
    const options = read(content) ?? [];
    const value = (key: string): string | undefined =>
      options.findLast((o) => o.section === quadletSection[kind] && o.name === key)?.value;
    if (kind === 'container') {
      const image = value('Image');
      if (image === undefined && value('Rootfs') === undefined) found(report, at, 'quadlet-no-image', name);
      const first = image?.split('/')[0] ?? '';
      if (
        image !== undefined &&
        !/\.(image|build)$/.test(image) &&
        !/[.:]|^localhost$/.test(image.includes('/') ? first : '')
      )
        found(report, at, 'quadlet-short-image', name, image);
    }
    if (
      (kind === 'container' || kind === 'kube' || kind === 'pod') &&
      !sections.includes('Install') &&
      !stem.endsWith('@')
    )
      found(report, at, 'quadlet-not-installed', name);
  });
}
