// Every installed package keeps one of its place: itself or a replacement. Feature rules allow any change, update rules what
// policy allows.
import { obsoletesPackage, updateCandidates } from './candidates.ts';
import { mayKeepInstalled } from './distupgrade.ts';
import { field } from './pool-package.ts';
import type { SolverState } from './state.ts';
import { compareRules } from './unify-rules.ts';

function addFeatureRule(s: SolverState, p: number): void {
  const list = updateCandidates(s, p, 'all');
  // In a distribution upgrade a package that can neither stay nor go anywhere is an orphan.
  if (s.isDup(p) && !mayKeepInstalled(s, p) && list.every((q) => s.isInstalled(q) && !mayKeepInstalled(s, q))) {
    s.addEmptyRule();
    return;
  }
  s.addListRule(p, list);
}

/** Whether multiversion package `q` takes the place of installed `p` all the same. */
function stillReplaces(s: SolverState, p: number, q: number): boolean {
  const { pool } = s;
  if (s.flags.keepexplicitobsoletes && pool.listAt(q, field.obsoletes) !== 0 && obsoletesPackage(s, q, p)) return true;
  return (
    pool.names.data[q] === pool.names.data[p] &&
    pool.evrs.data[q] === pool.evrs.data[p] &&
    pool.archs.data[q] === pool.archs.data[p]
  );
}

function addUpdateRule(s: SolverState, p: number): void {
  const keepsOrphan = (): boolean => s.flags.keeporphans && !s.dropsOrphan(p);
  if (s.pool.disabled.has(p)) {
    s.addRule(p, 0, 0);
    return;
  }
  if (s.p[s.feature.start + p - s.installedStart] === 0) {
    s.orphaned.push(p);
    s.addRule(keepsOrphan() ? p : 0, 0, 0);
    return;
  }
  const dup = s.isDup(p);
  const list = updateCandidates(s, p, dup ? 'distupgrade' : 'update');
  if (!s.hasMultiversion || !list.some((q) => s.multiversion.has(q))) {
    s.addListRule(p, list);
    return;
  }
  let kept = list.filter((q) => !s.multiversion.has(q) || stillReplaces(s, p, q));
  const all = s.providers.store(list);
  if (kept.length === 0 && dup && !mayKeepInstalled(s, p)) {
    // What comes stays beside it: an orphan, in effect. It may go once there is an update.
    s.orphaned.push(p);
    s.specialUpdaters.set(p, all);
    if (keepsOrphan()) {
      s.addRule(p, 0, 0);
      return;
    }
    kept = list;
  }
  if (kept.length === list.length) {
    s.addRule(p, 0, all);
    return;
  }
  if (s.wantsUpdate(p)) s.specialUpdaters.set(p, all);
  s.addListRule(p, kept);
}

/** Adds both classes of rules for all installed packages. */
export function addUpdateRules(s: SolverState): void {
  s.feature.start = s.ruleCount;
  for (let p = s.installedStart; p < s.installedEnd; p++)
    if (s.isInstalled(p)) addFeatureRule(s, p);
    else s.addEmptyRule();
  s.feature.end = s.ruleCount;
  s.update.start = s.ruleCount;
  for (let p = s.installedStart; p < s.installedEnd; p++) {
    if (!s.isInstalled(p)) {
      s.addEmptyRule();
      continue;
    }
    addUpdateRule(s, p);
    const update = s.ruleCount - 1;
    const feature = update - (s.installedEnd - s.installedStart);
    if (s.p[update] === 0) {
      s.clearRule(feature);
      continue;
    }
    if (!s.processOrphans && s.p[feature] === p && s.isAssertion(feature)) s.orphaned.push(p);
    if (compareRules(s, update, feature) === 0) s.clearRule(feature);
    else if (s.p[feature] !== 0) s.disableRule(feature);
  }
  s.update.end = s.ruleCount;
}
