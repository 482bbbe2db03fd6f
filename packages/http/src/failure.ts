import { CoppiceError, isCoppiceError, messageOf } from '@coppice/base';

// libcurl's error numbers and texts: OSTree prints them as `[7] Couldn't connect to server`, scripts match on that.
const curlTexts: Readonly<Record<number, string>> = {
  1: 'Unsupported protocol',
  3: 'URL using bad/illegal format or missing URL',
  5: "Couldn't resolve proxy name",
  6: "Couldn't resolve host name",
  7: "Couldn't connect to server",
  8: 'Weird server reply',
  18: 'Transferred a partial file',
  23: 'Failed writing received data to disk/application',
  28: 'Timeout was reached',
  35: 'SSL connect error',
  37: "Couldn't read a file:// file",
  43: 'A libcurl function was given a bad argument',
  47: 'Number of redirects hit maximum amount',
  52: 'Server returned nothing (no headers, no data)',
  55: 'Failed sending data to the peer',
  56: 'Failure when receiving data from the peer',
  58: 'Problem with the local SSL certificate',
  60: 'SSL peer certificate or SSH remote key was not OK',
  61: 'Unrecognized or bad HTTP Content or Transfer-Encoding',
  77: 'Problem with the SSL CA cert (path? access rights?)',
};

/** A network failure under libcurl's number. */
export function curlError(number: number, cause?: unknown): CoppiceError {
  const text = curlTexts[number] ?? 'Unknown error';
  return new CoppiceError('Network', `[${number}] ${text}`, {
    ...(cause === undefined ? {} : { cause }),
    data: { curl: number },
  });
}

const byCode: Readonly<Record<string, number>> = {
  ENOTFOUND: 6,
  EAI_AGAIN: 6,
  EAI_FAIL: 6,
  ECONNREFUSED: 7,
  EHOSTUNREACH: 7,
  ENETUNREACH: 7,
  EADDRNOTAVAIL: 7,
  ETIMEDOUT: 28,
  UND_ERR_CONNECT_TIMEOUT: 28,
  UND_ERR_HEADERS_TIMEOUT: 28,
  UND_ERR_BODY_TIMEOUT: 28,
  ECONNRESET: 56,
  EPIPE: 55,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 18,
  UND_ERR_HEADERS_OVERFLOW: 56,
  EPROTO: 35,
};

/** What is no HTTP at all is taken for HTTP/0.9, which nobody speaks. */
function parserNumber(message: string): number {
  if (/Expected HTTP/.test(message)) return 1;
  return /Content-Length/.test(message) ? 8 : 56;
}

/**
 * What undici or Node threw, as a `Network` error with libcurl's wording. `started` tells whether a body had begun, `asked`
 * whether the request could be sent.
 */
export function networkError(error: unknown, started: boolean, asked = true): CoppiceError {
  if (isCoppiceError(error)) return error;
  if (error instanceof Error && error.name === 'HTTPParserError') return curlError(parserNumber(error.message), error);
  if (/^Proxy Authentication Required \(407\)/.test(messageOf(error))) return statusError(407);
  let code = '';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; depth++) {
    const found = (at as { code?: unknown }).code;
    if (typeof found === 'string') code = found;
    if (at instanceof AggregateError && at.errors.length > 0) at = at.errors[0];
    else at = at.cause;
  }
  // A proxy may close the connection that is to become a tunnel.
  if (code === 'UND_ERR_SOCKET') return curlError(started ? 18 : asked ? 52 : 56, error);
  if (code === 'ECONNRESET' && /socket disconnected before secure/i.test(messageOf(error))) return curlError(35, error);
  const number = byCode[code];
  if (number !== undefined) return curlError(number, error);
  // The server may end a session over HTTP/2 before it says why, as when it wants a certificate.
  if (code.startsWith('ERR_HTTP2_')) return curlError(started ? 18 : 56, error);
  if (/^Proxy response \(\d+\)/.test(messageOf(error))) return curlError(56, error);
  if (/CERT|SIGNED|ISSUER|ALTNAME|VERIFY/.test(code)) return curlError(60, error);
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return curlError(35, error);
  return new CoppiceError('Network', messageOf(error), { cause: error });
}

/** Failures that another try cannot mend: addresses, certificates and protocols stay what they are. */
const lasting: ReadonlySet<unknown> = new Set([1, 3, 5, 8, 23, 37, 43, 47, 58, 60, 61, 77]);

/** Whether a failed request is worth another try. */
export function isTransient(error: unknown): boolean {
  if (!isCoppiceError(error, 'Network')) return false;
  const status = error.data?.['status'];
  if (typeof status === 'number') return status >= 500 || status === 408 || status === 416 || status === 429;
  return !lasting.has(error.data?.['curl']);
}

/** The error with the address that failed in the end, after redirects. */
export function atUrl(error: unknown, url: URL): unknown {
  if (!isCoppiceError(error) || (error.data?.['curl'] === undefined && error.data?.['status'] === undefined))
    return error;
  return new CoppiceError(error.code, error.message, { cause: error, data: { ...error.data, url: url.href } });
}

/** An HTTP status that is not success. 403, 404 and 410 are `NotFound`, as OSTree counts them; the rest `Network`. */
export function statusError(status: number): CoppiceError {
  const missing = status === 403 || status === 404 || status === 410;
  return new CoppiceError(missing ? 'NotFound' : 'Network', `Server returned HTTP ${status}`, { data: { status } });
}
