import { escapeData, type Fields, maybeText, type Path, text, texts } from '@coppice/ignition';
import type { CopyHook } from './copy.ts';
import { makeDataSource } from './data-source.ts';
import { LocalFileFault } from './local-files.ts';
import { report } from './messages-table.ts';
import type { TranslationState } from './state.ts';
import { looseText, rawBytes } from './text-bytes.ts';

/** Bytes of a local file; undefined (and an error at `at`) when it cannot be had. */
export function readLocal(path: string, at: Path, state: TranslationState): Uint8Array | undefined {
  const found = state.files.readFile(path);
  if (!(found instanceof LocalFileFault)) return found;
  reportFault(found, at, state);
  return undefined;
}

export function reportFault(fault: LocalFileFault, at: Path, state: TranslationState): void {
  report(state.report, 'error', at, fault.code, ...(fault.code === 'file-error' ? [fault.text] : []));
}

/** Resource: `local` and `inline` become data URLs. */
const resource: CopyHook = (source, copy, from, to, state) => {
  const local = maybeText(source, 'local');
  if (local !== undefined) {
    const bytes = readLocal(local, [...from, 'local'], state);
    if (bytes === undefined) return;
    setSource(bytes, copy, [...from, 'local'], to, state);
  }
  const inline = maybeText(source, 'inline');
  if (inline !== undefined) setSource(rawBytes(inline), copy, [...from, 'inline'], to, state);
};

function setSource(bytes: Uint8Array, copy: Fields, from: Path, to: Path, state: TranslationState): void {
  const made = makeDataSource(bytes, maybeText(copy, 'compression'), state.mayCompress);
  copy['source'] = made.url;
  state.translations.add(from, [...to, 'source']);
  if (made.compression === undefined) return;
  copy['compression'] = made.compression;
  state.translations.add(from, [...to, 'compression']);
}

/** FileContents of the first base layer: percent-escaped, never compressed. */
const fileContents: CopyHook = (source, copy, from, to, state) => {
  const inline = maybeText(source, 'inline');
  if (inline === undefined) return;
  copy['source'] = `data:,${escapeData(rawBytes(inline))}`;
  state.translations.add([...from, 'inline'], [...to, 'source']);
};

/** Keys from files follow the inline ones; empty lines are dropped. */
const passwdUser: CopyHook = (source, copy, from, to, state) => {
  const files = texts(source, 'ssh_authorized_keys_local');
  if (files.length === 0) return;
  const at = [...from, 'ssh_authorized_keys_local'];
  const keysAt = [...to, 'sshAuthorizedKeys'];
  state.translations.add(at, keysAt);
  const keys = [...texts(copy, 'sshAuthorizedKeys')];
  for (const [i, file] of files.entries()) {
    const found = state.files.readFile(file);
    if (found instanceof LocalFileFault) {
      if (found.code === 'files-dir-missing') {
        reportFault(found, at, state);
        return;
      }
      reportFault(found, [...at, i], state);
      continue;
    }
    for (const line of looseText(found).split(/\r?\n/)) {
      if (line === '') continue;
      state.translations.add([...at, i], [...keysAt, keys.length]);
      keys.push(line);
    }
  }
  if (keys.length > 0) copy['sshAuthorizedKeys'] = keys;
};

/** Unit and Dropin: contents from a file. */
const contentsLocal: CopyHook = (source, copy, from, to, state) => {
  const file = text(source, 'contents_local');
  if (file === '') return;
  const bytes = readLocal(file, [...from, 'contents_local'], state);
  if (bytes === undefined) return;
  state.translations.add([...from, 'contents_local'], [...to, 'contents']);
  copy['contents'] = looseText(bytes);
};

/** What the types of the base layer need beyond copying. */
export const contentHooks: Readonly<Record<string, CopyHook>> = {
  Dropin: contentsLocal,
  FileContents: fileContents,
  PasswdUser: passwdUser,
  Resource: resource,
  Unit: contentsLocal,
};
