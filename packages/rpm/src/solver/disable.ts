// Switching rules off and on: by problem element, by job, and with the learnt rules that follow from them.
import { createCleandeps } from './cleandeps.ts';
import { enabledOverrides, type Override, overridesOf } from './disable-list.ts';
import type { SolverState, Span } from './state.ts';

/** Learnt rules stay in force only while every rule they came from does. */
export function enabledDisabledLearnt(s: SolverState): void {
  if (s.learntStart === 0) return;
  for (let i = 0; i < s.learntWhy.length; i++) {
    const r = s.learntStart + i;
    let fine = true;
    for (let at = s.learntWhy[i]!; s.learntPool[at] !== 0; at++)
      if (s.isDisabled(s.learntPool[at]!)) {
        fine = false;
        break;
      }
    if (fine) s.enableRule(r);
    else s.disableRule(r);
  }
}

function nameOf(s: SolverState, rule: number): number {
  return s.pool.names.data[Math.abs(s.p[rule]!)]!;
}

/** The rules of a class that stand together around one because they are about the same name. */
export function nameGroup(s: SolverState, rule: number, span: Span): number[] {
  const name = nameOf(s, rule);
  let first = rule;
  while (first > span.start && nameOf(s, first - 1) === name) first--;
  const out: number[] = [];
  for (let r = first; r < span.end && nameOf(s, r) === name; r++) out.push(r);
  return out;
}

/** The rules that a problem element stands for. */
export function rulesOfElement(s: SolverState, element: number): number[] {
  if (element >= 0) {
    for (const span of [s.infarch, s.dup]) if (s.inSpan(element, span)) return nameGroup(s, element, span);
    return [element];
  }
  const out: number[] = [];
  const job = -1 - element;
  for (let i = 0; i < s.bestUpdates; i++)
    if (s.ruleToJob[-s.bestSource[i]! - s.job.start] === job) out.push(s.best.start + i);
  for (let r = s.job.start; r < s.job.end; r++) if (s.ruleToJob[r - s.job.start] === job) out.push(r);
  return out;
}

export function disableProblem(s: SolverState, element: number): void {
  for (const r of rulesOfElement(s, element)) s.disableRule(r);
}

/** Undoes `disableProblem`. A feature rule comes back only while its update rule is off. */
export function enableProblem(s: SolverState, element: number): void {
  if (element >= 0 && s.inSpan(element, s.feature)) {
    const update = element - s.feature.start + s.update.start;
    if (!s.isDisabled(update)) return;
  }
  for (const r of rulesOfElement(s, element)) s.enableRule(r);
  if (element >= 0 && s.inSpan(element, s.update)) {
    const feature = element - s.update.start + s.feature.start;
    if (s.p[feature] !== 0) s.disableRule(feature);
  }
}

function bestUpdateRules(s: SolverState, p: number, each: (r: number) => void): void {
  for (let i = s.bestUpdates; i < s.bestSource.length; i++) if (s.bestSource[i] === p) each(s.best.start + i);
}

function disableUpdate(s: SolverState, p: number): void {
  s.noUpdate.add(p);
  for (const span of [s.update, s.feature]) {
    const r = span.start + p - s.installedStart;
    if (s.p[r] !== 0) s.disableRule(r);
  }
  bestUpdateRules(s, p, (r) => s.disableRule(r));
}

function enableUpdate(s: SolverState, p: number): void {
  s.noUpdate.delete(p);
  const update = s.update.start + p - s.installedStart;
  const feature = s.feature.start + p - s.installedStart;
  const rule = s.p[update] !== 0 ? update : feature;
  if (s.p[rule] !== 0) s.enableRule(rule);
  bestUpdateRules(s, p, (r) => s.enableRule(r));
}

function switchRules(s: SolverState, { kind, id }: Override, on: boolean): void {
  if (kind === 'update') {
    if (on) enableUpdate(s, id);
    else disableUpdate(s, id);
    return;
  }
  const span = s[kind];
  for (let r = span.start; r < span.end; r++) {
    if (s.p[r]! >= 0 || (kind === 'black' ? -s.p[r]! : nameOf(s, r)) !== id) continue;
    if (on) s.enableRule(r);
    else s.disableRule(r);
  }
}

/** Switches off the policy rules that the enabled jobs override; packages that cleandeps takes need no update. */
export function disablePolicyRules(s: SolverState): void {
  const all = enabledOverrides(s);
  if (s.cleandeps !== undefined) {
    createCleandeps(s);
    for (let p = s.installedStart; p < s.installedEnd; p++) if (s.cleandeps.has(p)) all.push({ kind: 'update', id: p });
  }
  s.noUpdate.clear();
  for (const one of all) switchRules(s, one, false);
}

/** Switches the rules that only this job overrode back on, after the job itself was switched off. */
export function reenablePolicyRules(s: SolverState, job: number): void {
  let list = overridesOf(s, s.jobs[job]!);
  if (list.length === 0) return;
  if (s.cleandeps !== undefined) {
    createCleandeps(s);
    list = list.filter(({ kind, id }) => kind !== 'update' || !s.cleandeps!.has(id));
  }
  const others = new Set(enabledOverrides(s).map(({ kind, id }) => `${kind} ${id}`));
  for (const one of list) if (!others.has(`${one.kind} ${one.id}`)) switchRules(s, one, true);
}

/** The same for one package that cleandeps gave back. */
export function reenableAfterCleandeps(s: SolverState, p: number): void {
  if (!enabledOverrides(s).some(({ kind, id }) => kind === 'update' && id === p)) enableUpdate(s, p);
}
