import type { HeaderBuilder } from '../header/header-builder.ts';
import { HeaderType, Tag } from '../header/tag.ts';
import { Sense } from '../package/dependencies.ts';
import { type DependencySet, rawDependency } from './dependency-set.ts';
import type { FileTriggerSpec, PackageSpec, ScriptName, ScriptSpec, TriggerSpec } from './spec.ts';

interface ScriptTags {
  readonly body: number;
  readonly program: number;
  readonly flags: number;
  readonly sense: number;
}

/** Header tags of each script and the RPMSENSE bit its interpreter requirement carries. */
export const scriptTags: Readonly<Record<ScriptName, ScriptTags>> = {
  pre: { body: Tag.PreIn, program: Tag.PreInProg, flags: Tag.PreInFlags, sense: Sense.scriptPre },
  post: { body: Tag.PostIn, program: Tag.PostInProg, flags: Tag.PostInFlags, sense: Sense.scriptPost },
  preun: { body: Tag.PreUn, program: Tag.PreUnProg, flags: Tag.PreUnFlags, sense: Sense.scriptPreUn },
  postun: { body: Tag.PostUn, program: Tag.PostUnProg, flags: Tag.PostUnFlags, sense: Sense.scriptPostUn },
  pretrans: { body: Tag.PreTrans, program: Tag.PreTransProg, flags: Tag.PreTransFlags, sense: Sense.preTrans },
  posttrans: { body: Tag.PostTrans, program: Tag.PostTransProg, flags: Tag.PostTransFlags, sense: Sense.postTrans },
  verify: {
    body: Tag.VerifyScript,
    program: Tag.VerifyScriptProg,
    flags: Tag.VerifyScriptFlags,
    sense: Sense.scriptVerify,
  },
};

const asScript = (script: ScriptSpec | string): ScriptSpec => (typeof script === 'string' ? { body: script } : script);

function words(script: ScriptSpec): readonly string[] {
  const interpreter = script.interpreter ?? '/bin/sh';
  return typeof interpreter === 'string' ? interpreter.split(/\s+/).filter((w) => w !== '') : interpreter;
}

function requireInterpreter(script: ScriptSpec, sense: number, requires: DependencySet): void {
  const program = words(script);
  if (program[0] === '<lua>') requires.needsFeature('BuiltinLuaScripts', '4.2.2-1');
  else if (program[0] !== undefined) requires.add({ name: program[0], evr: '', flags: Sense.interp | sense });
  if (program.length > 1) requires.needsFeature('ScriptletInterpreterArgs', '4.0.3-1');
  if ((script.flags ?? 0) & 3) requires.needsFeature('ScriptletExpansion', '4.9.0-1');
}

function putScripts(spec: PackageSpec, builder: HeaderBuilder, requires: DependencySet): void {
  for (const [name, value] of Object.entries(spec.scripts ?? {})) {
    if (value === undefined) continue;
    const script = asScript(value);
    const tags = scriptTags[name as ScriptName];
    const program = words(script);
    if (script.body !== undefined) builder.put(tags.body, script.body);
    if (program.length > 1) builder.put(tags.program, program, HeaderType.StringArray);
    else builder.put(tags.program, program[0] ?? '/bin/sh', HeaderType.String);
    if (script.flags) builder.put(tags.flags, script.flags);
    requireInterpreter(script, tags.sense, requires);
  }
}

const triggerSense = {
  prein: Sense.triggerPreIn,
  in: Sense.triggerIn,
  un: Sense.triggerUn,
  postun: Sense.triggerPostUn,
} as const;

interface TriggerTags {
  readonly scripts: number;
  readonly programs: number;
  readonly flags: number;
  readonly name: number;
  readonly version: number;
  readonly senses: number;
  readonly index: number;
  readonly priorities: number | undefined;
}

const triggerTags: TriggerTags = {
  scripts: Tag.TriggerScripts,
  programs: Tag.TriggerScriptProg,
  flags: Tag.TriggerScriptFlags,
  name: Tag.TriggerName,
  version: Tag.TriggerVersion,
  senses: Tag.TriggerFlags,
  index: Tag.TriggerIndex,
  priorities: undefined,
};
const fileTriggerTags: TriggerTags = {
  scripts: Tag.FileTriggerScripts,
  programs: Tag.FileTriggerScriptProg,
  flags: Tag.FileTriggerScriptFlags,
  name: Tag.FileTriggerName,
  version: Tag.FileTriggerVersion,
  senses: Tag.FileTriggerFlags,
  index: Tag.FileTriggerIndex,
  priorities: Tag.FileTriggerPriorities,
};
const transFileTriggerTags: TriggerTags = {
  scripts: Tag.TransFileTriggerScripts,
  programs: Tag.TransFileTriggerScriptProg,
  flags: Tag.TransFileTriggerScriptFlags,
  name: Tag.TransFileTriggerName,
  version: Tag.TransFileTriggerVersion,
  senses: Tag.TransFileTriggerFlags,
  index: Tag.TransFileTriggerIndex,
  priorities: Tag.TransFileTriggerPriorities,
};

function putTriggers(
  triggers: readonly (TriggerSpec | FileTriggerSpec)[],
  tags: TriggerTags,
  builder: HeaderBuilder,
  requires: DependencySet,
): void {
  if (triggers.length === 0) return;
  const conditions: { name: string; evr: string; flags: number; index: number }[] = [];
  triggers.forEach((trigger, index) => {
    for (const on of trigger.on) {
      const dep = tags.priorities === undefined ? rawDependency(on) : { name: String(on), evr: '', flags: 0 };
      conditions.push({ ...dep, flags: dep.flags | triggerSense[trigger.type], index });
    }
    requireInterpreter(asScript(trigger.script), 0, requires);
  });
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  conditions.sort((a, b) => order(a.name, b.name) || order(a.evr, b.evr) || a.flags - b.flags);
  const scripts = triggers.map((t) => asScript(t.script));
  builder.put(
    tags.scripts,
    scripts.map((s) => s.body ?? ''),
  );
  builder.put(
    tags.programs,
    scripts.map((s) => words(s)[0] ?? '/bin/sh'),
  );
  if (scripts.some((s) => s.flags))
    builder.put(
      tags.flags,
      scripts.map((s) => s.flags ?? 0),
    );
  builder.put(
    tags.name,
    conditions.map((c) => c.name),
  );
  builder.put(
    tags.version,
    conditions.map((c) => c.evr),
  );
  builder.put(
    tags.senses,
    conditions.map((c) => c.flags),
  );
  builder.put(
    tags.index,
    conditions.map((c) => c.index),
  );
  if (tags.priorities !== undefined)
    builder.put(
      tags.priorities,
      triggers.map((t) => ('priority' in t ? t.priority : undefined) ?? 1_000_000),
    );
}

/** Scripts, triggers and file triggers, with the requirements they bring. */
export function putAllScripts(spec: PackageSpec, builder: HeaderBuilder, requires: DependencySet): void {
  putScripts(spec, builder, requires);
  putTriggers(spec.triggers ?? [], triggerTags, builder, requires);
  putTriggers(spec.fileTriggers ?? [], fileTriggerTags, builder, requires);
  putTriggers(spec.transFileTriggers ?? [], transFileTriggerTags, builder, requires);
}
