import { child, embeddedText, type Fields, list, maybeText, type Path, type Report, text } from '@coppice/ignition';
import { checkUnit, parseUnit, type UnitOption, unitSections } from '@coppice/systemd';
import { found } from './rules-table.ts';

function read(content: string): UnitOption[] | undefined {
  try {
    return parseUnit(content);
  } catch {
    // The validator reports it.
    return undefined;
  }
}

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
    if (unit['mask'] === true && unit['enabled'] === true)
      found(report, [...at, 'enabled'], 'unit-masked-enabled', name);
    if (content === '') return;
    if (unit['mask'] === true || read(content) === undefined) return;
    for (const { code, args } of checkUnit(name, content)) found(report, [...at, 'contents'], `unit-${code}`, ...args);
  });
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
    const sections = unitSections(content);
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
