// coppice explain: what a code of a finding or an error means.

import { CoppiceError, errorKinds } from '@coppice/base';
import { butaneMessages, hints, lintRules } from '@coppice/butane';
import { ignitionMessages } from '@coppice/ignition';
import type { VerbFamily } from '../verbs.ts';

interface Explained {
  readonly about: string;
  readonly message: string;
  readonly more: string | undefined;
}

/** Findings whose text differs from case to case: what they have in common. */
const others: Readonly<Record<string, string>> = {
  'file-error': 'a local file cannot be read',
  'json-error': 'the text is no JSON, or a value has another type than its field',
  'data-url': 'the data URL is malformed',
  'yaml-syntax': 'the text is no YAML',
  'yaml-type': 'a value has another type than its field',
  'config-kind': 'variant and version are missing or unknown',
  'decompile-lost': 'the target version cannot say what the config says',
  'decompile-differs': 'the config comes out of the translation with another meaning',
};

/** What the classes of errors of all commands and libraries mean. */
const kinds: Readonly<Record<(typeof errorKinds)[keyof typeof errorKinds], string>> = {
  input: 'what was given (arguments, a file, the answer of a server) is wrong',
  environment: 'the machine, the network or the caller stood in the way',
  bug: 'a fault of the program itself',
};

/** What is known about a code. */
export function explain(code: string): Explained | undefined {
  const of = <T>(table: Readonly<Record<string, T>>): T | undefined =>
    Object.hasOwn(table, code) ? table[code] : undefined;
  const rule = of<(typeof lintRules)[keyof typeof lintRules]>(lintRules);
  if (rule !== undefined)
    return { about: `${rule.severity} of coppice config lint`, message: rule.message, more: rule.explain };
  const butane = of(others) ?? of<string>(butaneMessages);
  if (butane !== undefined) return { about: 'finding about a Butane config', message: butane, more: of(hints) };
  const ignition = of<string>(ignitionMessages);
  if (ignition !== undefined) return { about: 'finding about an Ignition config', message: ignition, more: of(hints) };
  const kind = of<(typeof errorKinds)[keyof typeof errorKinds]>(errorKinds);
  return kind === undefined ? undefined : { about: 'code of an error', message: kinds[kind], more: undefined };
}

export const define: VerbFamily['define'] = (command, context) => {
  command.argument('[code]', 'code of a finding; all codes without').action((code: string | undefined) => {
    if (code === undefined) {
      const all = [lintRules, butaneMessages, others, ignitionMessages, errorKinds].flatMap((table) =>
        Object.keys(table),
      );
      for (const each of [...new Set(all)].sort()) context.stdout.write(`${each}: ${plain(explain(each)!.message)}\n`);
      return;
    }
    const found = explain(code);
    if (found === undefined) throw new CoppiceError('NotFound', `no such code: ${code}; 'coppice explain' lists them`);
    context.stdout.write(`${code}: ${plain(found.message)}\n(${found.about})\n`);
    if (found.more !== undefined) context.stdout.write(`\n${found.more}\n`);
  });
};

/** A message with its arguments shown as dots. */
function plain(message: string): string {
  return message.replace(/\{\d\}/g, '...');
}
