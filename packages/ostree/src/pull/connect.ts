import { CoppiceError } from '@coppice/base';
import { Fetcher } from '@coppice/http';
import { readCookies } from '../remote/cookies.ts';
import type { Remote } from '../remote/remote.ts';
import type { Repo } from '../repo.ts';
import type { PullOptions } from './options.ts';

type ConnectOptions = Pick<
  PullOptions,
  | 'appendUserAgent'
  | 'headers'
  | 'retries'
  | 'retryOnNetworkErrors'
  | 'lowSpeedBytes'
  | 'lowSpeedSeconds'
  | 'maxOutstanding'
  | 'fetcher'
>;

/** A fetcher with a remote's proxy, TLS material, cookies and the caller's headers; a pull has nothing compressed once more. */
export function remoteFetcher(
  repo: Repo,
  remote: Remote | undefined,
  options: ConnectOptions,
  compressed = false,
): Fetcher {
  const cert = remote?.string('tls-client-cert-path');
  const key = remote?.string('tls-client-key-path');
  if ((cert === undefined) !== (key === undefined)) {
    throw new CoppiceError(
      'Invalid',
      `Remote "${remote?.name}" must specify both "tls-client-cert-path" and "tls-client-key-path"`,
    );
  }
  const ca = remote?.string('tls-ca-path');
  const proxy = remote?.string('proxy');
  const append = options.appendUserAgent;
  const retries = options.retryOnNetworkErrors === false ? 0 : (options.retries ?? 5);
  return new Fetcher({
    userAgent: `libostree/${repo.compat.version}${append === undefined ? '' : ` ${append}`}`,
    headers: options.headers ?? [],
    cookies: remote === undefined ? [] : readCookies(remote),
    clock: repo.clock,
    env: repo.env,
    retries,
    compressed,
    http2: remote?.boolean('http2', true) ?? true,
    tls: {
      permissive: remote?.boolean('tls-permissive', false) ?? false,
      ...(ca === undefined ? {} : { caPath: ca }),
      ...(cert === undefined || key === undefined ? {} : { clientCertPath: cert, clientKeyPath: key }),
    },
    ...(proxy === undefined ? {} : { proxy }),
    ...(options.maxOutstanding === undefined ? {} : { maxOutstanding: options.maxOutstanding }),
    ...(options.lowSpeedBytes === undefined ? {} : { lowSpeedBytes: options.lowSpeedBytes }),
    ...(options.lowSpeedSeconds === undefined ? {} : { lowSpeedSeconds: options.lowSpeedSeconds }),
    ...options.fetcher,
  });
}
