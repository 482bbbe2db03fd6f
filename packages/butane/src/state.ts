import type { Fields, Report, StructDef, Value } from '@coppice/ignition';
import type { FileResolver } from './local-files.ts';
import type { Translations } from './translations.ts';
import type { Spec } from './versions-table.ts';

/** A value that a step may change. */
export interface Draft {
  [name: string]: Value | Draft | Draft[] | string[];
}

/** What the desugaring steps hand on. */
export interface TranslationState {
  readonly spec: Spec;
  /** The config as written. */
  readonly source: Fields;
  /** Schema of `config`. */
  readonly schema: StructDef;
  readonly files: FileResolver;
  /** Whether local and inline contents may be compressed. */
  mayCompress: boolean;
  config: Fields;
  translations: Translations;
  /** Findings with paths of the source config. */
  readonly report: Report;
  /** Findings with paths of the output. */
  readonly outputReport: Report;
}

/** The list `name` of an output section, made when it is not there. */
export function draftList(config: Fields, section: string, name: string): Draft[] {
  let part = config[section] as Draft | undefined;
  if (part === undefined) {
    part = {};
    config[section] = part as Fields;
  }
  let items = part[name] as Draft[] | undefined;
  if (items === undefined) {
    items = [];
    part[name] = items;
  }
  return items;
}
