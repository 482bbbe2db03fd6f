import { parseGoUrl } from '../go-url.ts';
import { finding } from '../report.ts';
import { parseSemver, semverText } from '../semver.ts';
import { specVersions } from '../types-table.ts';
import { child, list, maybeText, text } from '../value.ts';
import { requiredSourceFinding } from './resource.ts';
import type { Rule } from './rules.ts';

export const ignition: Rule = (value, path, { minor, report }) => {
  const version = parseSemver(text(value, 'version'));
  if (version === undefined) report.error([...path, 'version'], 'version-unparsable');
  else if (semverText(version) !== specVersions[minor]) report.error([...path, 'version'], 'version-unknown');
};

export const ignitionConfig: Rule = (value, path, { minor, report }) => {
  if (minor === 0) return;
  list(value, 'merge').forEach((item, i) => {
    report.errorIf([...path, 'merge', i], requiredSourceFinding(item, minor));
  });
};

export const tls: Rule = (value, path, { minor, report }) => {
  if (minor === 0) return;
  list(value, 'certificateAuthorities').forEach((item, i) => {
    report.errorIf([...path, 'certificateAuthorities', i], requiredSourceFinding(item, minor));
  });
};

export const proxy: Rule = (value, path, { report }) => {
  for (const name of ['httpProxy', 'httpsProxy']) {
    const url = maybeText(value, name);
    if (url === undefined) continue;
    const parsed = parseGoUrl(url);
    if (parsed === undefined) report.errorIf([...path, name], finding('url-invalid'));
    else if (parsed.scheme !== 'http' && parsed.scheme !== 'https') report.error([...path, name], 'proxy-scheme');
    else if (name === 'httpsProxy' && parsed.scheme === 'http') report.warn([...path, name], 'proxy-insecure');
  }
};

/** Units and drop-ins own their paths: nothing else may be written there. */
export const config: Rule = (value, path, { report }) => {
  const owned = new Set<string>();
  for (const unit of list(child(value, 'systemd'), 'units')) {
    const base = `/etc/systemd/system/${text(unit, 'name')}`;
    if (text(unit, 'contents') !== '') owned.add(base);
    for (const dropin of list(unit, 'dropins'))
      if (text(dropin, 'contents') !== '') owned.add(`${base}.d/${text(dropin, 'name')}`);
  }
  if (owned.size === 0) return;
  for (const kind of ['files', 'directories', 'links'])
    list(child(value, 'storage'), kind).forEach((node, i) => {
      if (owned.has(text(node, 'path'))) report.error([...path, 'storage', kind, i, 'path'], 'path-conflicts-systemd');
    });
};
