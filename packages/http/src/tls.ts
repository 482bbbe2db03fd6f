import { readFileSync } from 'node:fs';
import { errnoError } from '@coppice/base';

/** Where a remote's TLS material comes from; paths are files in PEM. */
export interface TlsOptions {
  /** Accept any server certificate. */
  readonly permissive?: boolean;
  readonly caPath?: string;
  /** Files with authorities to trust beside the machine's. */
  readonly moreCaPaths?: readonly string[];
  readonly clientCertPath?: string;
  readonly clientKeyPath?: string;
}

export interface TlsMaterial {
  readonly rejectUnauthorized: boolean;
  readonly ca?: (string | Buffer)[] | Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw errnoError(error, `open(${path})`);
  }
}

/** Loads the material once. Without `caPath` both Node's own and the system's certificate authorities are trusted. */
export function loadTls(options: TlsOptions): TlsMaterial {
  const ca =
    options.caPath !== undefined
      ? readPem(options.caPath)
      : [
          ...(['default', 'system'] as const).flatMap((kind) =>
            process.getBuiltinModule('node:tls').getCACertificates(kind),
          ),
          ...(options.moreCaPaths ?? []).map(readPem),
        ];
  return {
    rejectUnauthorized: options.permissive !== true,
    ca,
    ...(options.clientCertPath === undefined ? {} : { cert: readPem(options.clientCertPath) }),
    ...(options.clientKeyPath === undefined ? {} : { key: readPem(options.clientKeyPath) }),
  };
}
