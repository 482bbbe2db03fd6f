// Avahi over D-Bus (org.freedesktop.Avahi.Server and the objects it makes): what a client of DNS-SD needs.
import { CoppiceError, isCoppiceError } from '@coppice/base';
import { connectSystemBus, type DBusConnection, type DBusMessage, type DBusValue } from '@coppice/dbus';

const avahi = 'org.freedesktop.Avahi';
const server = { destination: avahi, path: '/', interface: `${avahi}.Server` } as const;
/** Any interface, any protocol (AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC). */
const unspecified = -1;

/** A service that was found and resolved on one interface with one protocol. */
export interface FoundService {
  readonly name: string;
  /** Index of the network interface. */
  readonly interface: number;
  readonly address: string;
  readonly port: number;
  readonly txt: readonly Uint8Array[];
}

/** A service to make known. */
export interface PublishedService {
  readonly name: string;
  readonly type: string;
  readonly port: number;
  readonly txt: readonly Uint8Array[];
}

export interface AvahiOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that browsing may take in all; default 30000. Avahi itself is content after about one second. */
  readonly timeoutMs?: number;
}

/** Services that are looked at; what more announces itself is passed over. */
const mostServices = 1024;
/** Bytes of one message: a TXT record has at most 64 KiB. */
const mostBytes = 1024 * 1024;

/** States of an entry group. */
const groupStates = ['uncommitted', 'registering', 'established', 'collision', 'failure'] as const;

export class AvahiClient {
  readonly #bus: DBusConnection;
  /** Unique name of the daemon. */
  readonly #owner: string;
  readonly #timeoutMs: number;

  private constructor(bus: DBusConnection, owner: string, timeoutMs: number) {
    this.#bus = bus;
    this.#owner = owner;
    this.#timeoutMs = timeoutMs;
  }

  /** Connects to avahi-daemon, which the bus starts if it can. Throws `NotFound` when there is no bus or no daemon. */
  static async connect(options: AvahiOptions = {}): Promise<AvahiClient> {
    let bus: DBusConnection | undefined;
    try {
      bus = await connectSystemBus(options.env, { maxMessage: mostBytes });
      let owner = await bus.nameOwner(avahi);
      if (owner === undefined) {
        await bus.startService(avahi);
        owner = await bus.nameOwner(avahi);
      }
      if (owner === undefined) throw new CoppiceError('NotFound', `${avahi} has no owner`);
      return new AvahiClient(bus, owner, options.timeoutMs ?? 30_000);
    } catch (error) {
      bus?.close();
      if (!isCoppiceError(error) || error.kind === 'bug') throw error;
      // libavahi-client says this of every bus it gets nowhere with.
      throw new CoppiceError('NotFound', 'Daemon not running', { cause: error });
    }
  }

  close(): void {
    this.#bus.close();
  }

  async #object(member: string, signature: string, body: readonly DBusValue[]): Promise<string> {
    const answer = await this.#bus.call({ ...server, member, signature, body });
    if (answer.signature !== 'o') throw new CoppiceError('Invalid', `Avahi: an answer to ${member} without an object`);
    return answer.body[0] as string;
  }

  /**
   * The services of a type that answer now, in the order they were resolved. Those that cannot be resolved go to `onFailure`.
   * Throws `Network` when the daemon goes away or does not come to an end.
   */
  browse(type: string, onFailure: (name: string, error: CoppiceError) => void): Promise<FoundService[]> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(
        () => fail(new CoppiceError('Network', 'Avahi: browsing does not come to an end')),
        this.#timeoutMs,
      );
      this.#bus.onClose(fail);
      const browsing = new Browsing(this.#bus, type, onFailure, (found) => {
        clearTimeout(timer);
        resolve(found);
      });
      // What the browser says can come before the answer that tells its path.
      let early: DBusMessage[] | undefined = [];
      let path: string | undefined;
      const take = (signal: DBusMessage): void => {
        if (signal.path !== path) return;
        try {
          browsing.take(signal);
        } catch (error) {
          fail(error);
        }
      };
      const rule = { type: 'signal', sender: this.#owner, interface: `${avahi}.ServiceBrowser` } as const;
      const begin = async (): Promise<void> => {
        await this.#bus.subscribe(rule, (signal) => {
          if (early === undefined) take(signal);
          else if (early.length < 2 * mostServices) early.push(signal);
        });
        path = await this.#object('ServiceBrowserNew', 'iissu', [unspecified, unspecified, type, '', 0]);
        const before = early ?? [];
        early = undefined;
        for (const signal of before) take(signal);
      };
      begin().catch(fail);
    });
  }

  /** Makes a service known until the connection closes; another name is taken when this one is in use. */
  async publish(service: PublishedService): Promise<AvahiPublication> {
    const { call, group, states } = await this.#group();
    let { name } = service;
    for (let attempt = 0; attempt < 16; attempt++) {
      const place = [unspecified, unspecified, 0, name, service.type, ''];
      try {
        await call('AddService', 'iiussssqaay', [...place, '', service.port, service.txt]);
        await call('Commit');
        if ((await states.settled()) === 'established')
          return new AvahiPublication(name, (txt) => call('UpdateServiceTxt', 'iiusssaay', [...place, txt]));
        if (states.last === 'failure') throw new CoppiceError('Network', `Avahi: ${group} could not be registered`);
      } catch (error) {
        const what = isCoppiceError(error) ? error.data['dbusError'] : undefined;
        if (what !== `${avahi}.CollisionError`) throw error;
      }
      await call('Reset');
      states.reset();
      const member = 'GetAlternativeServiceName';
      const other = await this.#bus.call({ ...server, member, signature: 's', body: [name] });
      name = String(other.body[0]);
    }
    throw new CoppiceError('Exists', `Avahi: no free name like ${service.name}`);
  }

  async #group(): Promise<{
    group: string;
    states: GroupStates;
    call: (member: string, signature?: string, body?: readonly DBusValue[]) => Promise<void>;
  }> {
    const states = new GroupStates();
    this.#bus.onClose((error) => states.fail(error));
    const entryGroup = `${avahi}.EntryGroup`;
    let group = '';
    await this.#bus.subscribe(
      { type: 'signal', sender: this.#owner, interface: entryGroup, member: 'StateChanged' },
      (signal) => {
        if (signal.path === group && signal.signature === 'is') states.take(signal.body[0] as number);
      },
    );
    group = await this.#object('EntryGroupNew', '', []);
    const call = async (member: string, signature = '', body: readonly DBusValue[] = []): Promise<void> => {
      await this.#bus.call({ destination: avahi, path: group, interface: entryGroup, member, signature, body });
    };
    return { group, states, call };
  }
}

/** A service that is known now. */
export class AvahiPublication {
  /** The name it got. */
  readonly name: string;
  readonly #update: (txt: readonly Uint8Array[]) => Promise<void>;

  constructor(name: string, update: (txt: readonly Uint8Array[]) => Promise<void>) {
    this.name = name;
    this.#update = update;
  }

  /** Replaces the TXT record. */
  updateTxt(txt: readonly Uint8Array[]): Promise<void> {
    return this.#update(txt);
  }
}

/** Waits for an entry group to be registered. */
class GroupStates {
  last: (typeof groupStates)[number] = 'uncommitted';
  #error: CoppiceError | undefined;
  #wake: () => void = () => {};

  take(state: number): void {
    this.last = groupStates[state] ?? 'failure';
    this.#wake();
  }
  fail(error: CoppiceError): void {
    this.#error = error;
    this.#wake();
  }
  reset(): void {
    this.last = 'uncommitted';
  }
  async settled(): Promise<GroupStates['last']> {
    while (this.last === 'uncommitted' || this.last === 'registering') {
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    return this.last;
  }
}

/** One service browser: resolves what appears, until all that is there is resolved. */
class Browsing {
  readonly #bus: DBusConnection;
  readonly #type: string;
  readonly #onFailure: (name: string, error: CoppiceError) => void;
  readonly #done: (found: FoundService[]) => void;
  #found: FoundService[] = [];
  /** Names to what is being resolved for them. */
  readonly #resolving = new Map<string, Set<object>>();
  #seen = 0;
  #allForNow = false;

  constructor(
    bus: DBusConnection,
    type: string,
    onFailure: (name: string, error: CoppiceError) => void,
    done: (found: FoundService[]) => void,
  ) {
    this.#bus = bus;
    this.#type = type;
    this.#onFailure = onFailure;
    this.#done = done;
  }

  take({ member, signature, body }: DBusMessage): void {
    if (member === 'ItemNew' && signature === 'iisssu') {
      if (++this.#seen > mostServices) return;
      const [index, protocol, name, , domain] = body as [number, number, string, string, string];
      void this.#resolve(index, protocol, name, domain);
    } else if (member === 'ItemRemove' && signature === 'iisssu') {
      const name = body[2] as string;
      this.#resolving.delete(name);
      this.#found = this.#found.filter((service) => service.name !== name);
    } else if (member === 'AllForNow') this.#allForNow = true;
    else if (member === 'Failure') throw new CoppiceError('Network', `Avahi browser error: ${String(body[0])}`);
    this.#check();
  }

  #check(): void {
    if (this.#allForNow && this.#resolving.size === 0) this.#done(this.#found);
  }

  async #resolve(index: number, protocol: number, name: string, domain: string): Promise<void> {
    const ticket = {};
    const tickets = this.#resolving.get(name) ?? new Set();
    this.#resolving.set(name, tickets.add(ticket));
    const body = [index, protocol, name, this.#type, domain, unspecified, 0];
    let service: FoundService | undefined;
    try {
      const answer = await this.#bus.call({ ...server, member: 'ResolveService', signature: 'iisssiu', body });
      if (answer.signature !== 'iissssisqaayu') throw new CoppiceError('Invalid', 'Invalid reply');
      const [on, , , , , , , address, port, txt] = answer.body as [
        ...[number, number, string, string, string, string, number],
        string,
        number,
        Uint8Array[],
      ];
      service = { name, interface: on, address, port, txt };
    } catch (error) {
      if (!isCoppiceError(error) || error.kind === 'bug') throw error;
      this.#onFailure(name, error);
    }
    // It may have gone in the meantime.
    if (this.#resolving.get(name)?.delete(ticket) !== true) return;
    if (tickets.size === 0) this.#resolving.delete(name);
    if (service !== undefined) this.#found.push(service);
    this.#check();
  }
}
