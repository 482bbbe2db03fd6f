// @coppice/instance: provision and run an instance of a deployed system, backed by a directory.

export type { BootOptions } from './boot.ts';
export { bootedDirs, bootInstance, instanceSandbox, takeRebootRequest } from './boot.ts';
export type { BootTarget } from './boot-loader.ts';
export { followBootLoader, loaderEntries } from './boot-loader.ts';
// Provision, boot, run.
export type { CreateOptions } from './create.ts';
export { createInstance } from './create.ts';
// Programs of the host inside a deployment.
export type { HostTool } from './host-tool.ts';
export { hostTool } from './host-tool.ts';
// Where content comes from.
export type { RegisteredLab } from './lab-registry.ts';
export { registeredLab, registerLab, unregisterLab } from './lab-registry.ts';
// What the machine can do.
export type { Ability } from './machine.ts';
export { describeMachine, examineMachine, findProgram, subordinateIds } from './machine.ts';
export type { DeploymentDirs, ExecOptions, House, Sandbox } from './sandbox.ts';
export { houseDir, prepareSandbox, runCaptured, runInteractive } from './sandbox.ts';
export type { Source, SourceDescription, SourceStream } from './source.ts';
export { openSource, parseSourceDescription, streamOf } from './source.ts';
// Instances on disk.
export type { Instance, InstanceRecord, StorageKind } from './store.ts';
export { checkInstanceName, dataHome, deleteInstance, instancesDir, listInstances, loadInstance } from './store.ts';
