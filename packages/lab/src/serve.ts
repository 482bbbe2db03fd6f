import { isCoppiceError } from '@coppice/base';
import { type StaticRequest, type StaticServer, serveStatic } from '@coppice/http';
import type { LabDir } from './lab-dir.ts';

export interface ServeLabOptions {
  /** A port; default the one used last, else any free one. */
  readonly port?: number;
  readonly onRequest?: (request: StaticRequest) => void;
}

/** Immutable are only files named by their content: objects and delta parts. */
function cacheControl(path: string): string {
  return /^repo\/(objects|deltas)\//.test(path) ? 'max-age=31536000, immutable' : 'no-cache';
}

/** Serves a lab's public folder on loopback. The port is remembered so that instances find the lab again. Throws `Io` when an asked-for port is taken. */
export async function serveLab(lab: LabDir, options: ServeLabOptions = {}): Promise<StaticServer> {
  const state = lab.state();
  const common = { cacheControl, ...(options.onRequest === undefined ? {} : { onRequest: options.onRequest }) };
  let server: StaticServer;
  try {
    server = await serveStatic(lab.www, { ...common, port: options.port ?? state.port ?? 0 });
  } catch (error) {
    // The remembered port may belong to someone else by now; an asked-for one is the caller's word.
    if (options.port !== undefined || state.port === undefined || !isCoppiceError(error, 'Io')) throw error;
    server = await serveStatic(lab.www, common);
  }
  if (state.port !== server.port) lab.save({ ...state, port: server.port });
  return server;
}
