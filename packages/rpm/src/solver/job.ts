// What the caller asks of the solver.

export const jobActions = [
  'noop',
  'install',
  'erase',
  'update',
  'weakendeps',
  'multiversion',
  'lock',
  'distupgrade',
  'verify',
  'droporphaned',
  'userinstalled',
  'allowuninstall',
  'favor',
  'disfavor',
  'blacklist',
  'excludefromweak',
] as const;
export type JobAction = (typeof jobActions)[number];

/** Which packages a job is about. Ids are of the pool (`pool.dependency`, solvable ids). */
export type Selection =
  | { readonly kind: 'solvable'; readonly solvable: number }
  | { readonly kind: 'name'; readonly dep: number }
  | { readonly kind: 'provides'; readonly dep: number }
  | { readonly kind: 'oneof'; readonly solvables: readonly number[] }
  | { readonly kind: 'repo'; readonly repo: number }
  | { readonly kind: 'all' };

export interface JobFlags {
  /** Dropped silently when it cannot be met. */
  readonly weak?: boolean;
  /** Never offered as a solution. */
  readonly essential?: boolean;
  /** Also erase what nothing else needs any more. */
  readonly cleandeps?: boolean;
  /** An install may also update. */
  readonly orupdate?: boolean;
  /** Only the best version will do. */
  readonly forcebest?: boolean;
  /** The selection names the new packages of an update, not the installed ones. */
  readonly targeted?: boolean;
  readonly notbyuser?: boolean;
  readonly setev?: boolean;
  readonly setevr?: boolean;
  readonly setarch?: boolean;
  readonly setvendor?: boolean;
  readonly setrepo?: boolean;
  readonly setname?: boolean;
  /** Do not derive the `set` flags from the selection. */
  readonly noautoset?: boolean;
}

export interface Job {
  readonly action: JobAction;
  readonly select: Selection;
  readonly flags?: JobFlags;
}

/** Switches of the solver, named as libsolv's test format names them. */
export interface SolverFlags {
  allowdowngrade: boolean;
  allownamechange: boolean;
  allowarchchange: boolean;
  allowvendorchange: boolean;
  /** Installed packages may be erased to make the jobs work. */
  allowuninstall: boolean;
  noupdateprovide: boolean;
  needupdateprovide: boolean;
  splitprovides: boolean;
  ignorerecommended: boolean;
  addalreadyrecommended: boolean;
  onlynamespacerecommended: boolean;
  noinfarchcheck: boolean;
  bestobeypolicy: boolean;
  noautotarget: boolean;
  keepexplicitobsoletes: boolean;
  dupallowdowngrade: boolean;
  dupallowarchchange: boolean;
  dupallowvendorchange: boolean;
  dupallownamechange: boolean;
  keeporphans: boolean;
  breakorphans: boolean;
  focusinstalled: boolean;
  focusnew: boolean;
  focusbest: boolean;
  yumobsoletes: boolean;
  urpmreorder: boolean;
  strongrecommends: boolean;
  installalsoupdates: boolean;
  strictrepopriority: boolean;
  /** For a soname, packages named `lib...` come before others that bundle it. No released libsolv does so yet. */
  preferlibraries: boolean;
}

/** The switches as a fresh solver has them. */
export function defaultSolverFlags(): SolverFlags {
  return {
    allowdowngrade: false,
    allownamechange: true,
    allowarchchange: false,
    allowvendorchange: false,
    allowuninstall: false,
    noupdateprovide: false,
    needupdateprovide: false,
    splitprovides: false,
    ignorerecommended: false,
    addalreadyrecommended: false,
    onlynamespacerecommended: false,
    noinfarchcheck: false,
    bestobeypolicy: false,
    noautotarget: false,
    keepexplicitobsoletes: false,
    dupallowdowngrade: true,
    dupallowarchchange: true,
    dupallowvendorchange: true,
    dupallownamechange: true,
    keeporphans: false,
    breakorphans: false,
    focusinstalled: false,
    focusnew: false,
    focusbest: false,
    yumobsoletes: false,
    urpmreorder: false,
    strongrecommends: false,
    installalsoupdates: false,
    strictrepopriority: false,
    preferlibraries: false,
  };
}
