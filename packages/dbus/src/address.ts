// Server addresses (D-Bus specification, "Server Addresses").
import { CoppiceError } from '@coppice/base';

export interface BusAddress {
  readonly transport: string;
  readonly keys: ReadonlyMap<string, string>;
}

/** Where the system bus listens when nothing else is said. */
export const systemBusPath = '/run/dbus/system_bus_socket';

function unescaped(text: string): string {
  if (!/^(?:[-0-9A-Za-z_/.\\*]|%[0-9A-Fa-f]{2})*$/.test(text))
    throw new CoppiceError('Invalid', `D-Bus address: '${text}' has characters that must be escaped`);
  const bytes = Buffer.from(
    text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  return bytes.toString('utf8');
}

/** The addresses of a list, to be tried in order. Throws `Invalid`. */
export function parseAddresses(text: string): BusAddress[] {
  const parts = text.split(';').filter((part) => part !== '');
  if (parts.length === 0) throw new CoppiceError('Invalid', 'D-Bus address: empty');
  return parts.map((part) => {
    const colon = part.indexOf(':');
    if (colon < 1) throw new CoppiceError('Invalid', `D-Bus address: '${part}' has no colon`);
    const keys = new Map<string, string>();
    for (const pair of part.slice(colon + 1).split(',')) {
      if (pair === '') continue;
      const equals = pair.indexOf('=');
      if (equals < 1) throw new CoppiceError('Invalid', `D-Bus address: '${pair}' is not KEY=VALUE`);
      const key = pair.slice(0, equals);
      if (keys.has(key)) throw new CoppiceError('Invalid', `D-Bus address: '${key}' twice`);
      keys.set(key, unescaped(pair.slice(equals + 1)));
    }
    return { transport: part.slice(0, colon), keys };
  });
}

/** What to connect to for an address; undefined when it is of a kind that is not known here. */
export function endpointOf(address: BusAddress): { path: string } | { host: string; port: number } | undefined {
  const { transport, keys } = address;
  const [path, abstract] = [keys.get('path'), keys.get('abstract')];
  if (transport === 'unix' && path !== undefined) return { path };
  if (transport === 'unix' && abstract !== undefined) return { path: `\0${abstract}` };
  const port = Number(keys.get('port'));
  if (transport === 'tcp' && Number.isInteger(port) && port > 0 && port < 65536)
    return { host: keys.get('host') ?? 'localhost', port };
  return undefined;
}
