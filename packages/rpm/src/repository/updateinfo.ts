import { CoppiceError } from '@coppice/base';
import { parseXml, type XmlElement } from '../repodata/xml-document.ts';
import { packageElements } from '../repodata/xml-scanner.ts';

export interface AdvisoryPackage {
  readonly name: string;
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  readonly filename: string;
  readonly rebootSuggested: boolean;
}

export interface AdvisoryReference {
  readonly type: string;
  readonly id: string;
  readonly href: string;
  readonly title: string;
}

/** An `<update>` of updateinfo.xml. */
export interface Advisory {
  readonly id: string;
  /** `security`, `bugfix`, `enhancement`, `newpackage` or whatever else stands there. */
  readonly type: string;
  readonly status: string;
  readonly from: string;
  readonly version: string;
  readonly title: string;
  readonly issued: string;
  readonly updated: string;
  readonly rights: string;
  readonly release: string;
  /** `Critical`, `Important`, `Moderate`, `Low`, `None` or empty. */
  readonly severity: string;
  readonly summary: string;
  readonly description: string;
  readonly solution: string;
  readonly rebootSuggested: boolean;
  readonly references: readonly AdvisoryReference[];
  readonly packages: readonly AdvisoryPackage[];
}

function advisory(update: XmlElement): Advisory {
  const text = (name: string): string => update.child(name)?.text ?? '';
  const id = text('id').trim();
  if (id === '') throw new CoppiceError('Invalid', 'updateinfo.xml: update without id');
  const flag = (element: XmlElement): boolean => {
    const value = element.child('reboot_suggested');
    return value !== undefined && !/^(0|false)$/i.test(value.text.trim());
  };
  const packages = (update.child('pkglist')?.all('collection') ?? []).flatMap((collection) =>
    collection.all('package').map((pkg) => ({
      name: pkg.attributes['name'] ?? '',
      epoch: pkg.attributes['epoch'] ?? '0',
      version: pkg.attributes['version'] ?? '',
      release: pkg.attributes['release'] ?? '',
      arch: pkg.attributes['arch'] ?? '',
      filename: pkg.child('filename')?.text ?? '',
      rebootSuggested: flag(pkg),
    })),
  );
  return {
    id,
    type: update.attributes['type'] ?? '',
    status: update.attributes['status'] ?? '',
    from: update.attributes['from'] ?? '',
    version: update.attributes['version'] ?? '',
    title: text('title'),
    issued: update.child('issued')?.attributes['date'] ?? '',
    updated: update.child('updated')?.attributes['date'] ?? '',
    rights: text('rights'),
    release: text('release'),
    severity: text('severity'),
    summary: text('summary'),
    description: text('description'),
    solution: text('solution'),
    rebootSuggested: flag(update) || packages.some((p) => p.rebootSuggested),
    references: (update.child('references')?.all('reference') ?? []).map((reference) => ({
      type: reference.attributes['type'] ?? '',
      id: reference.attributes['id'] ?? '',
      href: reference.attributes['href'] ?? '',
      title: reference.attributes['title'] ?? '',
    })),
    packages,
  };
}

/** Advisories in document order. Throws `Invalid`. */
export function parseUpdateinfo(bytes: Uint8Array): Advisory[] {
  const root = parseXml(bytes, 'updateinfo.xml');
  if (root.name !== 'updates') throw new CoppiceError('Invalid', 'updateinfo.xml: no <updates> element');
  return root.all('update').map(advisory);
}

/** Most that one advisory may be: it becomes a tree of many times its size. */
const advisoryLimit = 8 * 1024 * 1024;

/** The same of a document in pieces, one advisory at a time. Throws `Invalid`, `Limit`. */
export function* readUpdateinfo(source: Iterable<Uint8Array>): Generator<Advisory> {
  const head = (text: string): void => {
    if (!/<updates[\s/>]/.test(text)) throw new CoppiceError('Invalid', 'updateinfo.xml: no <updates> element');
  };
  for (const element of packageElements(source, 'updateinfo.xml', head, advisoryLimit, 'update'))
    yield advisory(parseXml(element, 'updateinfo.xml'));
}

/** CVE numbers an advisory names, in its references' type, id or title. */
export function advisoryCves(entry: Advisory): string[] {
  const out = new Set<string>();
  for (const { type, id, title } of entry.references)
    for (const text of type === 'cve' ? [id, title] : [title])
      for (const match of text.matchAll(/CVE-\d{4}-\d{4,}/g)) out.add(match[0]);
  return [...out];
}
