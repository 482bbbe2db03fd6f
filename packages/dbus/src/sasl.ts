// Authentication (D-Bus specification, "Authentication Protocol"): the client's side of EXTERNAL, by the user id that the
// kernel vouches for.
import { CoppiceError } from '@coppice/base';

/** Bytes that a line of the server may have. */
const longestLine = 16 * 1024;

/** The first bytes of a client with the numeric user id `uid`. */
export function authGreeting(uid: number): string {
  return `\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`;
}

/** What to answer to a line of the server; `BEGIN` ends the conversation. Throws `Permission` when it wants us not. */
export function authReply(line: string): string {
  const [command] = line.split(' ', 1);
  if (command === 'OK') return 'BEGIN\r\n';
  // Without data of its own EXTERNAL asks for the identity, which went with the greeting.
  if (command === 'DATA') return 'DATA\r\n';
  if (command === 'REJECTED' || command === 'ERROR')
    throw new CoppiceError('Permission', `D-Bus authentication failed: ${line.slice(0, 200)}`);
  throw new CoppiceError('Invalid', 'D-Bus authentication: an answer that is not one');
}

/** Cuts lines from what the server says until messages begin. */
export class AuthLines {
  #text = '';

  /** The lines that are whole with these bytes. Throws `Limit` for one without end, `Invalid` for one that is not ASCII. */
  push(bytes: Uint8Array): string[] {
    this.#text += Buffer.from(bytes).toString('latin1');
    const lines = this.#text.split('\r\n');
    this.#text = lines.pop()!;
    if (this.#text.length > longestLine) throw new CoppiceError('Limit', 'D-Bus authentication: a line without end');
    for (const line of lines)
      if (!/^[\x20-\x7e]*$/.test(line))
        throw new CoppiceError('Invalid', 'D-Bus authentication: a line that is not ASCII');
    return lines;
  }
}
