import {
  child,
  type Fields,
  isTrue,
  list,
  maybeInt,
  maybeText,
  type Path,
  parseGoUrl,
  text,
  texts,
} from '@coppice/ignition';
import { copyStruct } from './copy.ts';
import { reportForbidden } from './filters.ts';
import { report } from './messages-table.ts';
import type { Draft, TranslationState } from './state.ts';
import { sourceSchema } from './versions-table.ts';

const configAt: Path = ['spec', 'config'];

/** The parts of `spec` beside the config. */
export interface MachineConfigParts {
  readonly metadata: Fields;
  readonly spec: Fields;
}

/** From openshift's GRUB sugar: the first `append` of user.cfg becomes its contents, since appending is not supported. */
export function grubAppendToContents(state: TranslationState): void {
  const files = list(child(state.config, 'storage'), 'files');
  for (const [i, file] of files.entries()) {
    if (text(file, 'path') !== '/boot/grub2/user.cfg') continue;
    const append = list(file, 'append');
    if (append.length !== 1) return;
    const draft = file as Draft;
    draft['contents'] = append[0] as Fields;
    delete draft['append'];
    const at: Path = ['storage', 'files', i];
    state.translations = state.translations.moved([...at, 'append', 0], [...at, 'contents']);
    return;
  }
}

/** Wraps the config: its translations move below `spec.config`, and openshift's own fields join them. */
export function wrapMachineConfig(state: TranslationState): MachineConfigParts {
  const translations = state.translations.prefixed(configAt);
  const source = state.source;
  const metadata: Fields = { ...(child(source, 'metadata') ?? {}) };
  for (const [from, to] of [
    [['version'], ['apiVersion']],
    [['version'], ['kind']],
    [['metadata'], ['metadata']],
    [
      ['metadata', 'name'],
      ['metadata', 'name'],
    ],
    [
      ['metadata', 'labels'],
      ['metadata', 'labels'],
    ],
    [['version'], ['spec']],
    [[], configAt],
  ] as const)
    translations.add(from, to);
  for (const key of Object.keys(child(metadata, 'labels') ?? {}))
    translations.add(['metadata', 'labels', key], ['metadata', 'labels', key]);
  const type = sourceSchema(state.spec).byName.get('openshift')!.type!;
  const inner: TranslationState = { ...state, translations };
  const own = copyStruct(child(source, 'openshift') ?? {}, type, ['openshift'], ['spec'], inner, {});
  translations.add(['version'], ['spec']);
  state.translations = translations;
  return { metadata, spec: own };
}

/** LUKS volumes get a cipher that FIPS allows unless they name one. */
export function addFipsCipher(state: TranslationState, own: Fields): void {
  if (!isTrue(own, 'fips')) return;
  list(child(state.config, 'storage'), 'luks').forEach((luks, i) => {
    const options = texts(luks, 'options');
    if (options.some((option) => option === '--cipher' || option.startsWith('--cipher=') || option === '-c')) return;
    const at: Path = [...configAt, 'storage', 'luks', i, 'options'];
    for (const n of [0, 1]) state.translations.add(['openshift', 'fips'], [...at, options.length + n]);
    if (options.length === 0) state.translations.add(['openshift', 'fips'], at);
    (luks as Draft)['options'] = [...options, '--cipher', 'aes-cbc-essiv:sha256'];
  });
}

/** What RHCOS and the machine config operator would refuse. */
export function checkOperatorSupport(state: TranslationState): void {
  const minor = state.spec.openshift!;
  const to = state.outputReport;
  const storage = child(state.config, 'storage');
  const at = (...parts: (string | number)[]): Path => [...configAt, ...parts];
  const filesystems = list(storage, 'filesystems');
  filesystems.forEach((item, i) => {
    if (text(item, 'format') === 'btrfs')
      report(to, 'error', at('storage', 'filesystems', i, 'format'), 'unsupported-btrfs');
  });
  if (minor >= 14)
    filesystems.forEach((item, i) => {
      if (text(item, 'format') === 'none')
        report(to, 'error', at('storage', 'filesystems', i, 'format'), 'unsupported-filesystem-none');
    });
  list(storage, 'files').forEach((file, i) => {
    const source = maybeText(child(file, 'contents'), 'source');
    const url = source === undefined ? undefined : parseGoUrl(source);
    if (url !== undefined && url.scheme !== 'data')
      report(to, 'error', at('storage', 'files', i, 'contents', 'source'), 'unsupported-file-scheme');
    const mode = maybeInt(file, 'mode');
    if (minor >= 10 && mode !== undefined && (BigInt(mode) & ~0o777n) !== 0n)
      report(to, 'error', at('storage', 'files', i, 'mode'), 'unsupported-special-mode');
  });
  list(child(state.config, 'passwd'), 'users').forEach((user, i) => {
    if (text(user, 'name') !== 'core') report(to, 'error', at('passwd', 'users', i, 'name'), 'unsupported-user-name');
  });
}

/** Fields beside the config that plain Ignition output leaves out. */
export function reportElided(parts: MachineConfigParts, state: TranslationState): void {
  for (const name of ['kernelArguments', 'extensions', 'fips', 'kernelType'])
    if (parts.spec[name] !== undefined) report(state.outputReport, 'warning', ['spec', name], 'field-elided');
}

export const machineConfigPrefix = configAt;
export { reportForbidden };
