// Advisories of repositories (updateinfo.xml): what an update fixes, how severe, and for which builds.
import { join } from 'node:path';
import { CoppiceError, messageOf } from '@coppice/base';
import { findRecord, loadRepository, metadataBytes } from '@coppice/rpm';
import { SaxesParser } from 'saxes';
import { formatNevra } from '../nevra.ts';
import type { Advisory } from '../status/model.ts';
import type { Client } from './client.ts';
import { cacheDir } from './repo-metadata.ts';

const kinds: Readonly<Record<string, Advisory['kind']>> = {
  security: 'security',
  bugfix: 'bugfix',
  enhancement: 'enhancement',
  newpackage: 'newpackage',
};
const severities: Readonly<Record<string, Advisory['severity']>> = {
  low: 'low',
  moderate: 'moderate',
  important: 'important',
  critical: 'critical',
};

interface Draft {
  id: string;
  kind: Advisory['kind'];
  severity: Advisory['severity'];
  readonly packages: string[];
  readonly references: { url: string; title: string }[];
}

/** Reads updateinfo.xml from its uncompressed bytes. Throws `Invalid`; document types are refused. */
export function parseUpdateinfo(chunks: Iterable<Uint8Array>): Advisory[] {
  const parser = new SaxesParser();
  const out: Advisory[] = [];
  let draft: Draft | undefined;
  let text = '';
  parser.on('error', (error) => {
    throw new CoppiceError('Invalid', `updateinfo.xml: ${messageOf(error)}`);
  });
  parser.on('doctype', () => {
    throw new CoppiceError('Invalid', 'updateinfo.xml: document types are not accepted');
  });
  parser.on('opentag', (tag) => {
    text = '';
    const a = tag.attributes as Record<string, string>;
    if (tag.name === 'update')
      draft = { id: '', kind: kinds[a['type'] ?? ''] ?? 'unknown', severity: 'none', packages: [], references: [] };
    else if (draft === undefined) return;
    else if (tag.name === 'reference' && (a['type'] === 'cve' || /CVE-\d+/.test(a['title'] ?? '')))
      draft.references.push({ url: a['href'] ?? '', title: a['title'] ?? a['id'] ?? '' });
    else if (tag.name === 'package')
      draft.packages.push(
        formatNevra({
          name: a['name'] ?? '',
          epoch: Number(a['epoch'] ?? 0),
          version: a['version'] ?? '',
          release: a['release'] ?? '',
          arch: a['arch'] ?? '',
        }),
      );
  });
  parser.on('text', (t) => {
    text += t;
  });
  parser.on('closetag', (tag) => {
    if (draft === undefined) return;
    if (tag.name === 'id' && draft.id === '') draft.id = text.trim();
    else if (tag.name === 'severity') draft.severity = severities[text.trim().toLowerCase()] ?? 'none';
    else if (tag.name === 'update') {
      out.push(draft);
      draft = undefined;
    }
  });
  const decoder = new TextDecoder();
  for (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
  parser.write(decoder.decode()).close();
  return out;
}

/** Advisories of a repository whose metadata are cached; none when it has none. */
export function cachedAdvisories(client: Client, id: string, root = join(cacheDir(client), 'repomd')): Advisory[] {
  const dir = join(root, id);
  if (client.fs.stat(join(dir, 'repodata/repomd.xml')) === undefined) return [];
  const { repomd } = loadRepository(dir, { fs: client.fs });
  const record = findRecord(repomd, 'updateinfo');
  if (record === undefined || client.fs.stat(join(dir, record.href)) === undefined) return [];
  return parseUpdateinfo(metadataBytes(join(dir, record.href), record, client.fs));
}

/** Those of `advisories` that name one of `packages` (NEVRAs), with only these packages. */
export function advisoriesFor(advisories: readonly Advisory[], packages: ReadonlySet<string>): Advisory[] {
  return advisories.flatMap((a) => {
    const mine = a.packages.filter((p) => packages.has(p));
    return mine.length === 0 ? [] : [{ ...a, packages: mine }];
  });
}
