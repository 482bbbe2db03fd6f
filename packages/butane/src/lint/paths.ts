import {
  child,
  embeddedText,
  type Fields,
  list,
  maybeInt,
  maybeText,
  type Path,
  type Report,
  text,
} from '@coppice/ignition';
import { found } from './rules-table.ts';

interface Node {
  readonly path: string;
  readonly kind: 'directories' | 'files' | 'links';
  readonly at: Path;
  readonly fields: Fields;
}

const volatile = ['/run', '/tmp', '/proc', '/sys', '/dev'];
/** Below /usr, but links to writable places. */
const writable = ['/usr/local'];

function isBelow(path: string, parents: readonly string[]): string | undefined {
  return parents.find((parent) => path === parent || path.startsWith(`${parent}/`));
}

/** Places that do not keep or do not take what the config puts there, nodes below other nodes, modes. */
export function checkPaths(config: Fields, report: Report): void {
  const storage = child(config, 'storage');
  const nodes: Node[] = (['directories', 'files', 'links'] as const).flatMap((kind) =>
    list(storage, kind).map((fields, i) => ({ path: text(fields, 'path'), kind, at: ['storage', kind, i], fields })),
  );
  const byPath = new Map(nodes.map((node) => [node.path, node]));
  const homes = homesOf(config);
  for (const node of nodes) {
    checkPlace(node, report);
    checkHome(node, homes, report);
    for (let end = node.path.lastIndexOf('/'); end > 0; end = node.path.lastIndexOf('/', end - 1)) {
      const parent = byPath.get(node.path.slice(0, end));
      if (parent?.kind !== 'files') continue;
      found(report, [...node.at, 'path'], 'path-below-file', parent.path);
      break;
    }
    if (node.kind !== 'links') checkMode(node, report);
  }
}

function checkPlace(node: Node, report: Report): void {
  const at = [...node.at, 'path'];
  const gone = isBelow(node.path, volatile);
  if (gone !== undefined) found(report, at, 'path-volatile', gone);
  if (
    isBelow(node.path, ['/usr', '/lib', '/lib64', '/bin', '/sbin']) !== undefined &&
    isBelow(node.path, writable) === undefined
  )
    found(report, at, 'path-read-only', node.path);
}

/** Home directories of the accounts of a config, which may stand in it by either name. */
function homesOf(config: Fields): readonly (readonly [dir: string, user: string])[] {
  const users = list(child(config, 'passwd'), 'users').filter((user) => user['shouldExist'] !== false);
  const known = users.map((user) => [text(user, 'name'), text(user, 'homeDir')] as const);
  if (!known.some(([name]) => name === 'core')) known.push(['core', '']);
  return known.flatMap(([name, home]) =>
    name === 'root' || name === ''
      ? []
      : (home === '' ? [`/var/home/${name}`, `/home/${name}`] : [home]).map((dir) => [dir, name] as const),
  );
}

function checkHome(node: Node, homes: ReturnType<typeof homesOf>, report: Report): void {
  const home = homes.find(([dir]) => isBelow(node.path, [dir]) !== undefined);
  if (home === undefined || (node.kind === 'links' && node.fields['hard'] === true)) return;
  const owner = child(node.fields, 'user');
  const id = maybeInt(owner, 'id');
  if (text(owner, 'name') === home[1] || (id !== undefined && id !== 0)) return;
  found(report, node.at, 'owner-home', home[1], text(owner, 'name') === '' ? 'root' : text(owner, 'name'));
}

function checkMode(node: Node, report: Report): void {
  const given = maybeInt(node.fields, 'mode');
  const mode = Number(given ?? (node.kind === 'files' ? 0o644 : 0o755));
  const shown = `0${mode.toString(8)}`;
  const at = given === undefined ? node.at : [...node.at, 'mode'];
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) found(report, at, 'mode-world-writable', shown);
  if (node.kind !== 'files') return;
  if (node.path.startsWith('/etc/sudoers.d/') && (mode & 0o027) !== 0 && mode !== 0o644)
    found(report, at, 'mode-sudoers', shown);
  const content = embeddedText(child(node.fields, 'contents'));
  if (content === undefined) return;
  if ((mode & 0o044) !== 0 && /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(content))
    found(report, at, 'mode-key-readable', shown);
  if ((mode & 0o111) === 0 && /^#!\s*\//.test(content)) found(report, at, 'mode-script', shown);
}

/** Addresses whose contents anyone on the way can change. */
export function checkSources(config: Fields, report: Report): void {
  const check = (resource: Fields | undefined, at: Path): void => {
    if (resource === undefined || !/^(http|tftp):/i.test(text(resource, 'source'))) return;
    if ((maybeText(child(resource, 'verification'), 'hash') ?? '') === '')
      found(report, [...at, 'source'], 'source-unverified');
  };
  const ignition = child(config, 'ignition');
  const references = child(ignition, 'config');
  check(child(references, 'replace'), ['ignition', 'config', 'replace']);
  for (const [i, each] of list(references, 'merge').entries()) check(each, ['ignition', 'config', 'merge', i]);
  for (const [i, each] of list(child(child(ignition, 'security'), 'tls'), 'certificateAuthorities').entries())
    check(each, ['ignition', 'security', 'tls', 'certificateAuthorities', i]);
  list(child(config, 'storage'), 'files').forEach((file, i) => {
    check(child(file, 'contents'), ['storage', 'files', i, 'contents']);
    for (const [n, each] of list(file, 'append').entries()) check(each, ['storage', 'files', i, 'append', n]);
  });
}

/** Accounts that nobody can use. */
export function checkLogins(config: Fields, report: Report): void {
  list(child(config, 'passwd'), 'users').forEach((user, i) => {
    const name = text(user, 'name');
    if (user['shouldExist'] === false || user['system'] === true || name === 'root') return;
    const keys = user['sshAuthorizedKeys'];
    if ((Array.isArray(keys) && keys.length > 0) || text(user, 'passwordHash') !== '') return;
    found(report, ['passwd', 'users', i], 'user-no-login', name);
  });
}
