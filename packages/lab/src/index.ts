// @coppice/lab: a whole small Fedora-like world made on the spot.

// Parts.
export { baseTreePackages } from './base-tree.ts';
export { generateWorld } from './generate-world.ts';
export type { LabRelease, LabState } from './lab-dir.ts';
export { LabDir } from './lab-dir.ts';
// Labs.
export type { MakeLabOptions } from './make-lab.ts';
export { makeLab } from './make-lab.ts';
export { Random } from './random.ts';
export type { PromoteOptions } from './release.ts';
export { promoteStream } from './release.ts';
export type { ServeLabOptions } from './serve.ts';
export { serveLab } from './serve.ts';
// Worlds.
export type { World, WorldFile, WorldPackage, WorldStream, WorldUser } from './world.ts';
export { parseWorld, versionOn } from './world.ts';
export { worldPackage } from './world-package.ts';
