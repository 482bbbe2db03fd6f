import { readFileSync } from 'node:fs';
import { curlError } from './failure.ts';

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

/** Throws `Network` with this number of libcurl's. */
function readPem(path: string, number: number): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw curlError(number, error);
  }
}

/** Loads the material once, without the client's own when it is not to be `identified`. Without `caPath` both Node's own and the system's certificate authorities are trusted. */
export function loadTls(options: TlsOptions, identified = true): TlsMaterial {
  const own = identified ? options : {};
  const ca =
    options.caPath !== undefined
      ? readPem(options.caPath, 77)
      : [
          ...(['default', 'system'] as const).flatMap((kind) =>
            process.getBuiltinModule('node:tls').getCACertificates(kind),
          ),
          ...(options.moreCaPaths ?? []).map((path) => readPem(path, 77)),
        ];
  return {
    rejectUnauthorized: options.permissive !== true,
    ca,
    ...(own.clientCertPath === undefined ? {} : { cert: readPem(own.clientCertPath, 58) }),
    ...(own.clientKeyPath === undefined ? {} : { key: readPem(own.clientKeyPath, 58) }),
  };
}
