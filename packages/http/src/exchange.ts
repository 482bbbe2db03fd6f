import { CoppiceError } from '@coppice/base';
import type { Dispatcher } from 'undici';
import { curlError, networkError } from './failure.ts';
import type { Headers } from './response-reader.ts';

/** Takes a body as it arrives; the bytes are valid during the call only. `write` may return a promise: the transfer is held until it settles. */
export interface BodySink {
  write(chunk: Uint8Array): void | Promise<void>;
}

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher;
  readonly url: URL;
  readonly headers: Record<string, string>;
  /** Sent as a POST. */
  readonly body?: Uint8Array;
  /** Decides what the body goes to, once status and headers are known; undefined discards it. May throw to refuse. */
  readonly onHead: (status: number, headers: Headers) => BodySink | undefined;
  /** Abort below `bytes` per second over `seconds`; 0 turns it off. */
  readonly lowSpeed: { readonly bytes: number; readonly seconds: number };
  readonly signal?: AbortSignal;
  readonly onBytes?: (count: number) => void;
}

/** One HTTP GET (or POST of a body), no redirects, no retries. Resolves with the status and headers when the whole body has been taken. */
export function exchange(options: ExchangeOptions): Promise<{ status: number; headers: Headers }> {
  const { url, lowSpeed, signal } = options;
  return new Promise((resolve, reject) => {
    let head: { status: number; headers: Headers } | undefined;
    let sink: BodySink | undefined;
    let controller: Dispatcher.DispatchController | undefined;
    let pending: Promise<void> | undefined;
    let expected = -1;
    let received = 0;
    let window = 0;
    let settled = false;
    const timer =
      lowSpeed.seconds > 0
        ? setInterval(() => {
            if (window < lowSpeed.bytes * lowSpeed.seconds && controller?.paused !== true) stop(curlError(28));
            window = 0;
          }, lowSpeed.seconds * 1000)
        : undefined;
    const finish = (error?: unknown): void => {
      if (settled) return;
      settled = true;
      clearInterval(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined) resolve(head!);
      else reject(networkError(error, head !== undefined, controller !== undefined));
    };
    const stop = (error: Error): void => {
      finish(error);
      controller?.abort(error);
    };
    const onAbort = (): void => stop(new CoppiceError('Cancelled', 'Operation was cancelled'));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    options.dispatcher.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: options.body === undefined ? 'GET' : 'POST',
        headers: options.headers,
        ...(options.body === undefined ? {} : { body: options.body }),
      },
      {
        onRequestStart(started) {
          controller = started;
          if (settled) started.abort(new Error('aborted'));
        },
        onResponseStart(_controller, status, headers) {
          if (status < 200) return;
          head = { status, headers };
          const length = headers['content-length'];
          expected = typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : -1;
          try {
            sink = options.onHead(status, headers);
          } catch (error) {
            stop(error as Error);
          }
        },
        onResponseData(current, chunk) {
          if (settled) return;
          window += chunk.length;
          received += chunk.length;
          options.onBytes?.(chunk.length);
          try {
            const wait = sink?.write(chunk);
            if (wait === undefined) return;
            current.pause();
            pending = wait.then(
              () => current.resume(),
              (error: Error) => stop(error),
            );
          } catch (error) {
            stop(error as Error);
          }
        },
        onResponseEnd() {
          if (expected >= 0 && received < expected) return finish(curlError(18));
          if (pending === undefined) finish();
          else pending.then(() => finish(), finish);
        },
        onResponseError(_controller, error) {
          finish(error);
        },
      },
    );
  });
}
