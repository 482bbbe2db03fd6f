/** Switches of the pool, which hold for every problem. */
export interface PoolFlags {
  /** Obsoletes match provides, not names. */
  obsoleteusesprovides: boolean;
  obsoleteusescolors: boolean;
  implicitobsoleteusesprovides: boolean;
  /** Packages of one name and no common colour may be installed together (multilib). Fedora's setting. */
  implicitobsoleteusescolors: boolean;
  noinstalledobsoletes: boolean;
  forbidselfconflicts: boolean;
  noobsoletesmultiversion: boolean;
  /** Excluded packages stay visible as providers, so that problems can name them. */
  whatprovideswithdisabled: boolean;
  promoteepoch: boolean;
  havedistepoch: boolean;
  addfileprovidesfiltered: boolean;
  nowhatprovidesaux: boolean;
}

/** None of them. */
export function noPoolFlags(): PoolFlags {
  return {
    obsoleteusesprovides: false,
    obsoleteusescolors: false,
    implicitobsoleteusesprovides: false,
    implicitobsoleteusescolors: false,
    noinstalledobsoletes: false,
    forbidselfconflicts: false,
    noobsoletesmultiversion: false,
    whatprovideswithdisabled: false,
    promoteepoch: false,
    havedistepoch: false,
    addfileprovidesfiltered: false,
    nowhatprovidesaux: false,
  };
}
