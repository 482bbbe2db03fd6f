// @coppice/instance: provision and run an instance of a deployed system, backed by a directory.

export type { HostTool } from './host-tool.ts';
// Programs of the host inside a deployment.
export { hostTool } from './host-tool.ts';
export type { Ability } from './machine.ts';
// What the machine can do.
export { describeMachine, examineMachine, findProgram, subordinateIds } from './machine.ts';
