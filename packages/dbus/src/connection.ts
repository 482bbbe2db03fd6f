import type { Duplex } from 'node:stream';
import { CoppiceError, type ErrorCode, isCoppiceError, messageOf } from '@coppice/base';
import { MessageFraming } from './framing.ts';
import { type MatchRule, matches, matchRuleText } from './match-rule.ts';
import { type DBusMessage, encodeMessage } from './message.ts';
import { AuthLines, authGreeting, authReply } from './sasl.ts';
import type { DBusValue } from './value.ts';

/** The bus itself. */
const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };

/** A method call that goes out. */
export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of `body`; none without one. */
  readonly signature?: string;
  readonly body?: readonly DBusValue[];
  /** Milliseconds to wait for the answer; default 25000 as in the reference implementation. */
  readonly timeoutMs?: number;
  readonly noAutoStart?: boolean;
}

/** What a method of ours gives back. */
export interface MethodResult {
  readonly signature?: string;
  readonly body?: readonly DBusValue[];
}

/** Answers the calls of one interface: the member decides. Undefined says that there is no such method. */
export type MethodHandler = (call: DBusMessage) => MethodResult | undefined | Promise<MethodResult | undefined>;

export interface ConnectionOptions {
  /** The user id to say; default that of the process. */
  readonly uid?: number;
  /** Bytes that one message from the bus may have; default 16 MiB. */
  readonly maxMessage?: number;
  /** Milliseconds for authentication and Hello; default 25000. */
  readonly timeoutMs?: number;
}

interface Pending {
  readonly resolve: (message: DBusMessage) => void;
  readonly reject: (error: CoppiceError) => void;
  readonly timer: NodeJS.Timeout;
}

interface Subscription {
  readonly rule: MatchRule;
  readonly handler: (signal: DBusMessage) => void;
}

const defaultTimeout = 25_000;

/** Codes for errors that the bus and services answer with; others are `Process`. */
const errorCodes: Readonly<Record<string, ErrorCode>> = {
  'org.freedesktop.DBus.Error.ServiceUnknown': 'NotFound',
  'org.freedesktop.DBus.Error.NameHasNoOwner': 'NotFound',
  'org.freedesktop.DBus.Error.UnknownMethod': 'Unsupported',
  'org.freedesktop.DBus.Error.AccessDenied': 'Permission',
  'org.freedesktop.DBus.Error.InvalidArgs': 'Invalid',
  'org.freedesktop.DBus.Error.NoReply': 'Network',
};

/** A connection to a message bus over a stream that the caller made. One that breaks fails all that is under way. */
export class DBusConnection {
  readonly #stream: Duplex;
  readonly #pending = new Map<number, Pending>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #handlers = new Map<string, MethodHandler>();
  #serial = 0;
  #broken: CoppiceError | undefined;
  #name = '';
  #onClose: ((error: CoppiceError) => void)[] = [];

  private constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /**
   * Authenticates as `uid` and says Hello. Throws `Permission` when the bus does not want us, `Network` when it goes away or
   * says nothing, `Invalid` when it does not speak D-Bus.
   */
  static async open(stream: Duplex, options: ConnectionOptions = {}): Promise<DBusConnection> {
    const connection = new DBusConnection(stream);
    try {
      const timeoutMs = options.timeoutMs ?? defaultTimeout;
      await connection.#authenticate(options.uid ?? process.getuid?.() ?? 0, options.maxMessage ?? 2 ** 24, timeoutMs);
      const { body, signature } = await connection.call({ ...bus, member: 'Hello', timeoutMs });
      if (signature !== 's') throw new CoppiceError('Invalid', 'D-Bus: an answer to Hello without a name');
      connection.#name = body[0] as string;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** The name that the bus gave this connection, such as `:1.42`. */
  get uniqueName(): string {
    return this.#name;
  }

  #authenticate(uid: number, maxMessage: number, timeoutMs: number): Promise<void> {
    const stream = this.#stream;
    const lines = new AuthLines();
    const framing = new MessageFraming(maxMessage);
    let authenticated = false;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#break(new CoppiceError('Network', 'D-Bus authentication: no answer'));
      }, timeoutMs);
      this.#onClose.push(reject);
      stream.on('error', (error) => this.#break(lost(error)));
      stream.on('close', () => this.#break(lost(undefined)));
      stream.on('end', () => this.#break(lost(undefined)));
      stream.on('data', (bytes: Buffer) => {
        if (this.#broken !== undefined) return;
        try {
          if (authenticated) for (const message of framing.push(bytes)) this.#take(message);
          else {
            for (const line of lines.push(bytes)) {
              // The server says nothing between its consent and our first message.
              if (authenticated) throw new CoppiceError('Invalid', 'D-Bus authentication: more than was asked for');
              const reply = authReply(line);
              stream.write(reply);
              authenticated = reply === 'BEGIN\r\n';
            }
            if (!authenticated) return;
            clearTimeout(timer);
            this.#onClose = this.#onClose.filter((one) => one !== reject);
            resolve();
          }
        } catch (error) {
          this.#break(isCoppiceError(error) ? error : new CoppiceError('Bug', messageOf(error), { cause: error }));
        }
      });
      this.#onClose.push(() => clearTimeout(timer));
      stream.write(authGreeting(uid));
    });
  }

  /** Calls a method and waits for its answer. An error that comes back is thrown with its name in `data.dbusError`. */
  call(call: MethodCall): Promise<DBusMessage> {
    const { timeoutMs = defaultTimeout, signature = '', body = [], ...header } = call;
    return new Promise((resolve, reject) => {
      const serial = this.#send({ type: 'call', ...header, signature, body });
      const timer = setTimeout(() => {
        this.#pending.delete(serial);
        reject(new CoppiceError('Network', `D-Bus: no answer from ${call.destination} to ${call.member}`));
      }, timeoutMs);
      this.#pending.set(serial, { resolve, reject, timer });
    });
  }

  /** Sends a signal to all who asked for it. */
  emit(signal: {
    path: string;
    interface: string;
    member: string;
    signature?: string;
    body?: readonly DBusValue[];
  }): void {
    this.#send({ type: 'signal', signature: '', body: [], ...signal });
  }

  /** Has `handler` called for each message that fits, from when the promise is kept. Call the result to end that. */
  async subscribe(rule: MatchRule, handler: (signal: DBusMessage) => void): Promise<() => Promise<void>> {
    const subscription: Subscription = { rule, handler };
    this.#subscriptions.add(subscription);
    const body = [matchRuleText(rule)];
    try {
      await this.call({ ...bus, member: 'AddMatch', signature: 's', body });
    } catch (error) {
      this.#subscriptions.delete(subscription);
      throw error;
    }
    return async () => {
      this.#subscriptions.delete(subscription);
      await this.call({ ...bus, member: 'RemoveMatch', signature: 's', body });
    };
  }

  /** Answers calls to an interface, at all paths. */
  serve(interfaceName: string, handler: MethodHandler): void {
    this.#handlers.set(interfaceName, handler);
  }

  /** Becomes the owner of a well-known name. Throws `Exists` when another has it, `Permission` when the bus forbids it. */
  async requestName(name: string): Promise<void> {
    const doNotQueue = 4;
    const { body } = await this.call({ ...bus, member: 'RequestName', signature: 'su', body: [name, doNotQueue] });
    if (body[0] !== 1 && body[0] !== 4) throw new CoppiceError('Exists', `D-Bus name ${name} belongs to another`);
  }

  /** The unique name of a name's owner, undefined when it has none. */
  async nameOwner(name: string): Promise<string | undefined> {
    try {
      const answer = await this.call({ ...bus, member: 'GetNameOwner', signature: 's', body: [name] });
      return answer.body[0] as string;
    } catch (error) {
      if (isCoppiceError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Has the bus start the program for a name, if there is none yet. Throws what the bus says about it. */
  async startService(name: string): Promise<void> {
    await this.call({ ...bus, member: 'StartServiceByName', signature: 'su', body: [name, 0] });
  }

  /** Called once when the connection ends for any reason. */
  onClose(handler: (error: CoppiceError) => void): void {
    if (this.#broken === undefined) this.#onClose.push(handler);
    else handler(this.#broken);
  }

  close(): void {
    this.#break(new CoppiceError('Cancelled', 'D-Bus connection closed'));
  }

  #send(message: Omit<DBusMessage, 'serial'>): number {
    if (this.#broken !== undefined) throw this.#broken;
    this.#serial = this.#serial >= 0xffffffff ? 1 : this.#serial + 1;
    this.#stream.write(encodeMessage({ ...message, serial: this.#serial }));
    return this.#serial;
  }

  #break(error: CoppiceError): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    this.#stream.destroy();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    this.#subscriptions.clear();
    for (const handler of this.#onClose.splice(0)) handler(error);
  }

  #take(message: DBusMessage): void {
    if (message.type === 'return' || message.type === 'error') {
      const pending = this.#pending.get(message.replySerial!);
      // An answer to what nobody asked, or that came too late.
      if (pending === undefined) return;
      this.#pending.delete(message.replySerial!);
      clearTimeout(pending.timer);
      if (message.type === 'return') pending.resolve(message);
      else pending.reject(answeredError(message));
    } else if (message.type === 'signal') {
      for (const { rule, handler } of [...this.#subscriptions]) if (matches(rule, message)) handler(message);
    } else void this.#answer(message);
  }

  async #answer(call: DBusMessage): Promise<void> {
    let reply: Omit<DBusMessage, 'serial' | 'replySerial' | 'destination'>;
    try {
      const handler = call.interface === undefined ? undefined : this.#handlers.get(call.interface);
      const result = await handler?.(call);
      reply =
        result === undefined
          ? errorReply('org.freedesktop.DBus.Error.UnknownMethod', `No method ${call.interface}.${call.member}`)
          : { type: 'return', signature: result.signature ?? '', body: result.body ?? [] };
    } catch (error) {
      const name = isCoppiceError(error) ? error.data['dbusError'] : undefined;
      reply = errorReply(typeof name === 'string' ? name : 'org.freedesktop.DBus.Error.Failed', messageOf(error));
    }
    if (call.noReply || this.#broken !== undefined) return;
    const to = call.sender === undefined ? {} : { destination: call.sender };
    this.#send({ ...reply, ...to, replySerial: call.serial });
  }
}

function errorReply(errorName: string, text: string): Pick<DBusMessage, 'type' | 'errorName' | 'signature' | 'body'> {
  return { type: 'error', errorName, signature: 's', body: [text.replaceAll('\0', ' ').toWellFormed()] };
}

function answeredError(message: DBusMessage): CoppiceError {
  const name = message.errorName!;
  const text = message.signature[0] === 's' ? (message.body[0] as string) : name;
  return new CoppiceError(errorCodes[name] ?? 'Process', text, { data: { dbusError: name } });
}

function lost(cause: unknown): CoppiceError {
  const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new CoppiceError('Network', `D-Bus connection lost${why}`, { cause });
}
