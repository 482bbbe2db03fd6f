import { connect, type Socket } from 'node:net';
import { CoppiceError, messageOf } from '@coppice/base';
import { endpointOf, parseAddresses, systemBusPath } from './address.ts';
import { type ConnectionOptions, DBusConnection } from './connection.ts';

/** Connects to the first address of a list that answers. Throws `Invalid` for a malformed list, `Network` when none answers. */
export async function connectBus(addresses: string, options: ConnectionOptions = {}): Promise<DBusConnection> {
  let last: unknown;
  for (const address of parseAddresses(addresses)) {
    const endpoint = endpointOf(address);
    if (endpoint === undefined) {
      last ??= new CoppiceError('Unsupported', `D-Bus address: unknown transport '${address.transport}'`);
      continue;
    }
    try {
      return await DBusConnection.open(await connected(endpoint), options);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function connected(endpoint: { path: string } | { host: string; port: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    const failed = (error: Error): void =>
      reject(
        new CoppiceError('Network', `Failed to connect to the message bus: ${messageOf(error)}`, { cause: error }),
      );
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

/** Connects to the system bus: `DBUS_SYSTEM_BUS_ADDRESS`, else the socket that systems have for it. */
export function connectSystemBus(
  env: Readonly<Record<string, string | undefined>> = process.env,
  options: ConnectionOptions = {},
): Promise<DBusConnection> {
  return connectBus(env['DBUS_SYSTEM_BUS_ADDRESS'] ?? `unix:path=${systemBusPath}`, options);
}
