// @coppice/instance: provision and run an instance of a deployed system, backed by a directory.

export type { Ability } from './machine.ts';
// What the machine can do.
export { describeMachine, examineMachine, findProgram, subordinateIds } from './machine.ts';
