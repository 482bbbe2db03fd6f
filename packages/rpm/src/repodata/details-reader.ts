// filelists.xml and other.xml, one package at a time.
import { CoppiceError } from '@coppice/base';
import type { RepoChangelog, RepoFile } from './repository-package.ts';
import { packageElements, XmlScanner, xmlEvent } from './xml-scanner.ts';

function* elements(
  source: Iterable<Uint8Array>,
  what: string,
  root: string,
): Generator<{ scanner: XmlScanner; pkgid: string }> {
  const scanner = new XmlScanner(what);
  const head = (text: string): void => {
    if (!text.includes(`<${root}`)) throw new CoppiceError('Invalid', `${what}: no <${root}> element`);
  };
  for (const element of packageElements(source, what, head)) {
    scanner.reset(element);
    let event = scanner.next();
    while (event === xmlEvent.text) event = scanner.next();
    const pkgid = event === xmlEvent.open ? scanner.attribute('pkgid') : undefined;
    if (pkgid === undefined) throw scanner.bad('package without pkgid');
    yield { scanner, pkgid };
  }
}

/** Every file of every package, by package checksum. */
export function* readFilelists(
  source: Iterable<Uint8Array>,
): Generator<{ readonly pkgid: string; readonly files: RepoFile[] }> {
  for (const { scanner, pkgid } of elements(source, 'filelists.xml', 'filelists')) {
    const files: RepoFile[] = [];
    let type: RepoFile['type'] | undefined;
    for (let event = scanner.next(); event !== xmlEvent.end; event = scanner.next()) {
      if (event === xmlEvent.open) {
        if (scanner.name() !== 'file') continue;
        const kind = scanner.attribute('type');
        type = kind === 'dir' || kind === 'ghost' ? kind : 'file';
      } else if (event === xmlEvent.close) type = undefined;
      else if (type !== undefined) files.push({ path: scanner.decode(scanner.textStart, scanner.textEnd), type });
    }
    yield { pkgid, files };
  }
}

/** Changelogs, oldest first as they stand, by package checksum. */
export function* readOther(
  source: Iterable<Uint8Array>,
): Generator<{ readonly pkgid: string; readonly changelogs: RepoChangelog[] }> {
  for (const { scanner, pkgid } of elements(source, 'other.xml', 'otherdata')) {
    const changelogs: RepoChangelog[] = [];
    let entry: { author: string; date: number; text: string } | undefined;
    for (let event = scanner.next(); event !== xmlEvent.end; event = scanner.next()) {
      if (event === xmlEvent.open) {
        if (scanner.name() !== 'changelog') continue;
        const date = Number(scanner.attribute('date'));
        entry = { author: scanner.attribute('author') ?? '', date: Number.isSafeInteger(date) ? date : 0, text: '' };
      } else if (event === xmlEvent.close) {
        if (entry !== undefined) changelogs.push(entry);
        entry = undefined;
      } else if (entry !== undefined) entry.text += scanner.decode(scanner.textStart, scanner.textEnd);
    }
    yield { pkgid, changelogs };
  }
}
