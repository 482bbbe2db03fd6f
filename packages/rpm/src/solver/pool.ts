// The pool: every repository's packages as numbers. Packages are "solvables"; id 1 is the system itself.
import { CoppiceError } from '@coppice/base';
import { type Dependency, sense } from '../dependency.ts';
import { isRich, parseRichDependency, type RichDependency } from '../rich.ts';
import { archColor, archPolicyScores, archScores } from './arch.ts';
import { EvrOrder, type PackageKind } from './evr-order.ts';
import { BitSet, IdArray } from './id-array.ts';
import { noPoolFlags, type PoolFlags } from './pool-flags.ts';
import { type DependencyList, type Field, field, fieldCount, type PoolPackageSpec } from './pool-package.ts';
import { PoolRepo } from './pool-repo.ts';
import { Interner, isRel, rel } from './strings.ts';
import { VendorClasses } from './vendor-classes.ts';
import { Providers } from './whatprovides.ts';

export const systemSolvable = 1;

export class Pool {
  readonly ids = new Interner();
  readonly repos: PoolRepo[] = [];
  readonly flags: PoolFlags = noPoolFlags();
  /** The repository of what is installed now. */
  installed: PoolRepo | undefined;
  /** Packages that must not be used (excluded). */
  readonly disabled = new BitSet();
  disabledCount = 0;
  /** Name, EVR, architecture, vendor (string ids) and repository index (+1, 0 for none) by solvable. */
  readonly names = new IdArray();
  readonly evrs = new IdArray();
  readonly archs = new IdArray();
  readonly vendors = new IdArray();
  readonly repoOf = new IdArray();
  private readonly fields = new IdArray();
  /** Zero-terminated lists of ids; offset 0 is the empty list. */
  readonly lists = new IdArray(1024);
  /** Names starting with `/` that some dependency mentions. */
  readonly fileDependencies = new Set<number>();
  /** Rules of versions and architectures follow the kind of packages. */
  kind: PackageKind = 'rpm';
  noarch: number;
  readonly src: number;
  readonly nosrc: number;
  private scores: Map<number, number> | undefined;
  private readonly evrOrder: EvrOrder;
  /** Build times by solvable, where known: two packages with the same one are the same build. */
  readonly buildTimes = new Map<number, number>();
  /** Requirements of a package that must be met before it is installed. */
  readonly prerequires = new Map<number, readonly number[]>();
  private readonly vendorClasses: VendorClasses;
  private index: Providers | undefined;
  /** Extra providers of namespace dependencies (`namespace:language(de)`), for tests and front ends. */
  readonly namespaces = new Map<number, number[]>();

  constructor() {
    this.evrOrder = new EvrOrder(this.ids);
    this.vendorClasses = new VendorClasses(this.ids);
    this.noarch = this.ids.string('noarch');
    this.src = this.ids.string('src');
    this.nosrc = this.ids.string('nosrc');
    this.lists.push(0);
    for (const [name, arch] of [
      ['', ''],
      ['system:system', 'noarch'],
    ] as const)
      this.newSolvable(this.ids.string(name), this.ids.string(''), this.ids.string(arch), 0);
  }

  /** One more than the highest solvable id. */
  get count(): number {
    return this.names.length;
  }

  addRepo(name: string, options: { priority?: number; subpriority?: number } = {}): PoolRepo {
    const repo = new PoolRepo(this.repos.length, name, options.priority ?? 0, options.subpriority ?? 0);
    this.repos.push(repo);
    this.changed();
    return repo;
  }

  /** Adds a package; returns its solvable id. */
  addPackage(repo: PoolRepo, spec: PoolPackageSpec): number {
    const id = this.addSolvable(
      repo,
      this.ids.string(spec.name),
      this.ids.string(spec.evr),
      this.ids.string(spec.arch),
      spec.vendor === undefined || spec.vendor === '' ? 0 : this.ids.string(spec.vendor),
    );
    this.setDependencies(id, field.provides, spec.provides);
    this.setDependencies(id, field.requires, spec.requires);
    this.setDependencies(id, field.conflicts, spec.conflicts);
    this.setDependencies(id, field.obsoletes, spec.obsoletes);
    this.setDependencies(id, field.recommends, spec.recommends);
    this.setDependencies(id, field.suggests, spec.suggests);
    this.setDependencies(id, field.supplements, spec.supplements);
    this.setDependencies(id, field.enhances, spec.enhances);
    if (spec.files !== undefined)
      this.setIds(
        id,
        field.files,
        Array.from(spec.files, (path) => this.ids.string(path)),
      );
    this.changed();
    return id;
  }

  /** Adds a package by string ids (vendor 0: none), without dependencies; returns its solvable id. */
  addSolvable(repo: PoolRepo, name: number, evr: number, arch: number, vendor: number): number {
    const id = this.newSolvable(name, evr, arch, repo.index + 1);
    this.vendors.data[id] = vendor;
    repo.solvables.push(id);
    this.changed();
    return id;
  }

  /** Makes room for packages, items of their lists and relations, so that arrays grow once. */
  reserve(packages: number, items: number, relations: number): void {
    for (const list of [this.names, this.evrs, this.archs, this.vendors, this.repoOf])
      list.reserve(list.length + packages);
    this.fields.reserve(this.fields.length + packages * fieldCount);
    this.lists.reserve(this.lists.length + items);
    this.ids.reserveRelations(relations);
  }

  private newSolvable(name: number, evr: number, arch: number, repo: number): number {
    const id = this.names.length;
    this.names.push(name);
    this.evrs.push(evr);
    this.archs.push(arch);
    this.vendors.push(0);
    this.repoOf.push(repo);
    this.fields.reserve(this.fields.length + fieldCount);
    this.fields.length += fieldCount;
    return id;
  }

  /** Replaces a dependency list by ids made with `dependency()`. */
  setIds(solvable: number, which: Field, ids: ArrayLike<number>): void {
    this.fields.data[solvable * fieldCount + which] = ids.length === 0 ? 0 : this.lists.pushList(ids);
    this.changed();
  }

  private setDependencies(solvable: number, which: Field, list: DependencyList | undefined): void {
    if (list === undefined || list.length === 0) return;
    const ids: number[] = [];
    for (const dep of list) {
      if (which === field.requires && !isRich(dep) && dep.name.startsWith('rpmlib(')) continue;
      ids.push(this.dependency(dep));
    }
    this.setIds(solvable, which, ids);
  }

  /** Where the zero-terminated list of `which` starts in `lists.data`. */
  listAt(solvable: number, which: Field): number {
    return this.fields.data[solvable * fieldCount + which]!;
  }

  /** A copy of a solvable's list. */
  list(solvable: number, which: Field): number[] {
    const out: number[] = [];
    for (let at = this.listAt(solvable, which); this.lists.data[at] !== 0; at++) out.push(this.lists.data[at]!);
    return out;
  }

  /** The id of a dependency. Throws `Invalid` for a name that starts with `(` and is no rich dependency. */
  dependency(dep: RichDependency): number {
    if (isRich(dep)) {
      const left = this.dependency(dep.left);
      let right = this.dependency(dep.right);
      if (dep.otherwise !== undefined) right = this.ids.relation(right, rel.else, this.dependency(dep.otherwise));
      return this.ids.relation(left, rel[dep.op], right);
    }
    return this.simpleDependency(dep);
  }

  private simpleDependency(dep: Dependency): number {
    if (dep.name.startsWith('(') && dep.flags === 0) {
      const rich = parseRichDependency(dep.name);
      if (isRich(rich)) return this.dependency(rich);
    }
    const name = this.nameId(dep.name);
    const flags =
      (dep.flags & sense.less ? rel.lt : 0) |
      (dep.flags & sense.greater ? rel.gt : 0) |
      (dep.flags & sense.equal ? rel.eq : 0);
    return flags === 0 ? name : this.ids.relation(name, flags, this.ids.string(dep.evr));
  }

  /** The id of a dependency's name; a path is remembered as one that file lists must be searched for. */
  nameId(name: string): number {
    const id = this.ids.string(name);
    if (name.startsWith('/')) this.noteFileDependency(id);
    return id;
  }

  /** Remembers a path as one that file lists must be searched for. */
  noteFileDependency(id: number): void {
    if (this.fileDependencies.has(id)) return;
    this.fileDependencies.add(id);
    this.changed();
  }

  setArch(arch: string): void {
    this.setScores(archScores(arch, this.ids.text(this.noarch)));
  }
  /** Every architecture fits, none is better. */
  unsetArch(): void {
    this.scores = undefined;
    this.changed();
  }
  setArchPolicy(policy: string): void {
    this.setScores(archPolicyScores(policy, this.ids.text(this.noarch)));
  }
  private setScores(scores: Map<string, number>): void {
    this.scores = new Map([...scores].map(([name, score]) => [this.ids.string(name), score]));
    this.changed();
  }
  get hasArch(): boolean {
    return this.scores !== undefined;
  }
  /** Score of an architecture id: 0 when it cannot run here. 1 for everything when no architecture was set. */
  archScore(arch: number): number {
    return this.scores === undefined ? 1 : (this.scores.get(arch) ?? 0);
  }

  /** Excludes a package. */
  disable(solvable: number): void {
    if (this.disabled.has(solvable)) return;
    this.disabled.add(solvable);
    this.disabledCount++;
    this.changed();
  }

  isInstalled(solvable: number): boolean {
    return this.installed !== undefined && this.repoOf.data[solvable] === this.installed.index + 1;
  }

  repo(solvable: number): PoolRepo | undefined {
    return this.repos[this.repoOf.data[solvable]! - 1];
  }

  isSource(solvable: number): boolean {
    const arch = this.archs.data[solvable];
    return arch === this.src || arch === this.nosrc;
  }

  /** Runs on this machine and is not excluded. */
  installable(solvable: number): boolean {
    if (this.isSource(solvable)) return false;
    if (this.scores !== undefined && this.archScore(this.archs.data[solvable]!) === 0) return false;
    return !this.disabled.has(solvable);
  }

  /** `installable`, but excluded packages count when the pool keeps them visible. */
  visible(solvable: number): boolean {
    if (this.isSource(solvable)) return false;
    if (this.scores !== undefined && this.archScore(this.archs.data[solvable]!) === 0) return false;
    return this.flags.whatprovideswithdisabled || !this.disabled.has(solvable);
  }

  /** Whether two solvables can be mistaken for one another by colour. */
  colorsMeet(a: number, b: number): boolean {
    const x = this.archs.data[a]!;
    const y = this.archs.data[b]!;
    return x === y || (archColor(this.ids.text(x)) & archColor(this.ids.text(y))) !== 0;
  }

  /** Says what kind of packages these are, before any architecture is set. */
  setKind(kind: PackageKind): void {
    this.kind = kind;
    this.noarch = this.ids.string(kind === 'rpm' ? 'noarch' : kind === 'deb' ? 'all' : 'any');
    this.archs.data[systemSolvable] = this.noarch;
    this.evrOrder.kind = kind;
    this.changed();
  }

  /** Orders two EVR ids for sorting packages. */
  compareEvrs(a: number, b: number): number {
    return a === b ? 0 : this.evrOrder.compare(a, b, 'sort', this.flags);
  }

  /** The same without the release. */
  compareVersions(a: number, b: number): number {
    return a === b ? 0 : this.evrOrder.compare(a, b, 'version', this.flags);
  }

  /** The order that dependencies use: -2 or 2 when one side has no release and the rest is equal. */
  compareForMatch(a: number, b: number): number {
    return a === b ? 0 : this.evrOrder.compare(a, b, this.kind === 'deb' ? 'sort' : 'match', this.flags);
  }

  /** Whether two ranges (relation flags and EVR ids) share a version. */
  rangesMeet(pflags: number, pevr: number, flags: number, evr: number): boolean {
    if (pflags === 0 || flags === 0 || pflags >= 8 || flags >= 8) return false;
    if (pflags === 7 || flags === 7) return true;
    if (pflags & flags & (rel.lt | rel.gt)) return true;
    if (pevr === evr) return (flags & pflags & rel.eq) !== 0;
    if (isRel(pevr)) {
      if (this.ids.relFlag(pevr) !== rel.compat) return false;
      // A version and the oldest one it can stand for.
      const version = this.ids.relName(pevr);
      if (!(flags & rel.gt) || flags & rel.lt) return this.rangesMeet(rel.eq, version, flags, evr);
      return (
        this.rangesMeet(rel.lt | rel.eq, version, flags, evr) &&
        this.rangesMeet(rel.gt | rel.eq, this.ids.relEvr(pevr), rel.eq, evr)
      );
    }
    switch (this.compareForMatch(pevr, evr)) {
      case -2:
        return (pflags & rel.eq) !== 0;
      case -1:
        return (flags & rel.lt) !== 0 || (pflags & rel.gt) !== 0;
      case 0:
        return (flags & pflags & rel.eq) !== 0;
      case 1:
        return (flags & rel.gt) !== 0 || (pflags & rel.lt) !== 0;
      default:
        return (flags & rel.eq) !== 0;
    }
  }

  /** Whether a solvable's own name and EVR satisfy a dependency (its provides are not asked). */
  matchesNevr(solvable: number, dep: number): boolean {
    if (!isRel(dep)) return this.names.data[solvable] === dep;
    const name = this.ids.relName(dep);
    const flags = this.ids.relFlag(dep);
    const evr = this.ids.relEvr(dep);
    switch (flags) {
      case rel.arch: {
        const arch = this.archs.data[solvable];
        if (arch !== evr && !(evr === this.src && arch === this.nosrc)) return false;
        return this.matchesNevr(solvable, name);
      }
      case rel.or:
        return this.matchesNevr(solvable, name) || this.matchesNevr(solvable, evr);
      case rel.and:
      case rel.with:
        return this.matchesNevr(solvable, name) && this.matchesNevr(solvable, evr);
      case rel.without:
        return this.matchesNevr(solvable, name) && !this.matchesNevr(solvable, evr);
      case rel.multiarch:
        return this.ids.text(evr) === 'any' && this.matchesNevr(solvable, name);
      default:
        if (flags > 7 || !this.matchesNevr(solvable, name)) return false;
        return this.evrInRange(this.evrs.data[solvable]!, flags, evr);
    }
  }

  /** Whether a package's own EVR lies in a range. */
  private evrInRange(own: number, flags: number, evr: number): boolean {
    if (own === evr) return (flags & rel.eq) !== 0;
    if (flags === 0) return false;
    if (flags === 7) return true;
    switch (this.compareForMatch(own, evr)) {
      case -2:
        return true;
      case -1:
        return (flags & rel.lt) !== 0;
      case 1:
        return (flags & rel.gt) !== 0;
      default:
        return (flags & rel.eq) !== 0;
    }
  }

  /** Groups of vendor prefixes that may replace one another; a package of a vendor outside all groups only its own. */
  setVendorClasses(classes: readonly (readonly string[])[]): void {
    this.vendorClasses.set(classes);
  }

  /** Bits of the vendor classes that a vendor id belongs to. */
  vendorMask(vendor: number): number {
    return this.vendorClasses.mask(vendor);
  }

  /** The index of providers, built on first use after a change. */
  get providers(): Providers {
    if (this.index === undefined) this.index = new Providers(this);
    return this.index;
  }

  /** Forgets the provider index: call after adding namespaces by hand. */
  changed(): void {
    this.index = undefined;
  }

  /** `NAME-EVR.ARCH` of a solvable. */
  text(solvable: number): string {
    if (solvable === systemSolvable) return 'system:system.noarch';
    const evr = this.ids.text(this.evrs.data[solvable]!);
    const arch = this.archs.data[solvable]!;
    return `${this.ids.text(this.names.data[solvable]!)}${evr === '' ? '' : `-${evr}`}${arch > 1 ? `.${this.ids.text(arch)}` : ''}`;
  }

  /** Checks that an id names a solvable. Throws `Invalid`. */
  check(solvable: number): void {
    if (!Number.isInteger(solvable) || solvable < 1 || solvable >= this.count)
      throw new CoppiceError('Invalid', `no package with number ${solvable}`);
  }
}
