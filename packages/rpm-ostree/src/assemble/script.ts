// The scripts of a package header.
import { CoppiceError } from '@coppice/base';
import { type Header, Tag } from '@coppice/rpm';
import { isIgnoredScript, luaReplacement, type ScriptKind, scriptLabel } from './script-rules.ts';

export interface Script {
  readonly package: string;
  readonly kind: ScriptKind;
  /** Interpreter and its arguments. */
  readonly interpreter: readonly string[];
  readonly body: string;
  /** The body holds rpm macros to expand (flag bit 0). */
  readonly macros: boolean;
}

const tags: Readonly<Record<'prein' | 'postin' | 'posttrans', readonly [number, number, number]>> = {
  prein: [Tag.PreIn, Tag.PreInProg, Tag.PreInFlags],
  postin: [Tag.PostIn, Tag.PostInProg, Tag.PostInFlags],
  posttrans: [Tag.PostTrans, Tag.PostTransProg, Tag.PostTransFlags],
};

/**
 * Scripts of `kind` that have to run for a package, those of kernels only where kernel-install has the kernel's place; throws
 * `Unsupported` for one that cannot.
 */
export function scriptOf(
  header: Header,
  kind: 'prein' | 'postin' | 'posttrans',
  options: { readonly kernelInstall?: boolean } = {},
): Script | undefined {
  const [bodyTag, progTag, flagsTag] = tags[kind];
  const name = header.getString(Tag.Name) ?? '';
  const body = header.getString(bodyTag);
  const prog = header.getStrings(progTag);
  if (body === undefined && prog.length === 0) return undefined;
  if (isIgnoredScript(name, kind, options)) return undefined;
  const interpreter = prog.length === 0 ? ['/bin/sh'] : prog;
  if (interpreter[0] === '<lua>') {
    if (luaReplacement(name, kind, body ?? '') === 'skip') return undefined;
    throw new CoppiceError(
      'Unsupported',
      `Package '${name}' has (currently) unsupported script of type '<lua>' in '%${scriptLabel[kind]}'`,
    );
  }
  if (body === undefined && interpreter[0] === '/bin/sh') return undefined;
  return { package: name, kind, interpreter, body: body ?? '', macros: ((header.getNumber(flagsTag) ?? 0) & 1) !== 0 };
}

/** Throws `Unsupported` when the package has a trigger that would have to run at installation. */
export function checkTriggers(header: Header): void {
  const name = header.getString(Tag.Name) ?? '';
  const flags = header.getNumbers(Tag.TriggerFlags);
  const triggerIn = 1 << 16;
  const triggerPreIn = 1 << 25;
  for (const flag of flags) {
    const kind = (flag & triggerPreIn) !== 0 ? 'triggerprein' : (flag & triggerIn) !== 0 ? 'triggerin' : undefined;
    if (kind !== undefined)
      throw new CoppiceError('Unsupported', `Package '${name}' has (currently) unsupported script of type '%${kind}'`);
  }
}

export interface FileTrigger {
  readonly package: string;
  readonly interpreter: readonly string[];
  readonly body: string;
  /** Path prefixes, relative (`usr/lib/...`). */
  readonly patterns: readonly string[];
}

/** %transfiletriggerin scripts that apply to an image. */
export function fileTriggersOf(header: Header): FileTrigger[] {
  const name = header.getString(Tag.Name) ?? '';
  const bodies = header.getStrings(Tag.TransFileTriggerScripts);
  if (bodies.length === 0 || isIgnoredScript(name, 'transfiletriggerin')) return [];
  const programs = header.getStrings(Tag.TransFileTriggerScriptProg);
  const names = header.getStrings(Tag.TransFileTriggerName);
  const indexes = header.getNumbers(Tag.TransFileTriggerIndex);
  const flags = header.getNumbers(Tag.TransFileTriggerFlags);
  const triggerIn = 1 << 16;
  return bodies.flatMap((body, i) => {
    const own = names.filter((_, n) => indexes[n] === i && ((flags[n] ?? 0) & triggerIn) !== 0);
    const patterns = own
      .map((p) => p.replace(/^\/+/, ''))
      .filter((p) => p.startsWith('usr/') && !p.startsWith('usr/local'));
    const interpreter = [programs[i] ?? '/bin/sh'];
    if (patterns.length === 0 || interpreter[0] === '<lua>') return [];
    return [{ package: name, interpreter, body, patterns }];
  });
}
