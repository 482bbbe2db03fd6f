// Messages (D-Bus specification, "Message Protocol").
import { CoppiceError } from '@coppice/base';
import { type ByteOrder, Marshaller, marshal } from './marshal.ts';
import { isBusName, isInterfaceName, isMemberName } from './names.ts';
import { parseSignature, parseSingleType } from './signature.ts';
import { Unmarshaller, unmarshal } from './unmarshal.ts';
import { type DBusValue, DBusVariant, maxMessageBytes } from './value.ts';

export type MessageType = 'call' | 'return' | 'error' | 'signal';

const typeCodes: Readonly<Record<MessageType, number>> = { call: 1, return: 2, error: 3, signal: 4 };
const typeNames: readonly (MessageType | undefined)[] = [undefined, 'call', 'return', 'error', 'signal'];

export interface DBusMessage {
  readonly type: MessageType;
  /** 1 to 2^32 - 1, counted by the sender. */
  readonly serial: number;
  /** A call whose answer nobody waits for. */
  readonly noReply?: boolean;
  /** The bus is not to start a program for the destination. */
  readonly noAutoStart?: boolean;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  /** Unique name, which the bus fills in. */
  readonly sender?: string;
  /** Types of the body; '' without one. */
  readonly signature: string;
  readonly body: readonly DBusValue[];
}

interface Field {
  readonly code: number;
  readonly signature: string;
  readonly valid?: (text: string) => boolean;
}

const fields = {
  path: { code: 1, signature: 'o' },
  interface: { code: 2, signature: 's', valid: isInterfaceName },
  member: { code: 3, signature: 's', valid: isMemberName },
  errorName: { code: 4, signature: 's', valid: isInterfaceName },
  replySerial: { code: 5, signature: 'u' },
  destination: { code: 6, signature: 's', valid: isBusName },
  sender: { code: 7, signature: 's', valid: isBusName },
  signature: { code: 8, signature: 'g' },
  fileDescriptors: { code: 9, signature: 'u' },
} as const satisfies Record<string, Field>;
type FieldName = keyof typeof fields;

const fieldNames = new Map<number, FieldName>(
  Object.entries(fields).map(([name, field]) => [field.code, name as FieldName]),
);

/** What each type of message cannot be without. */
const needed: Readonly<Record<MessageType, readonly FieldName[]>> = {
  call: ['path', 'member'],
  return: ['replySerial'],
  error: ['errorName', 'replySerial'],
  signal: ['path', 'interface', 'member'],
};

const headerFields = parseSingleType('a(yv)');
const [noReplyFlag, noAutoStartFlag] = [1, 2];

function fault(what: string): CoppiceError {
  return new CoppiceError('Invalid', `D-Bus message: ${what}`);
}

/** The bytes of a message. Throws `Invalid` for malformed names, missing fields, and a body that does not fit its signature. */
export function encodeMessage(message: DBusMessage, order: ByteOrder = 'little'): Uint8Array {
  const body = marshal(message.signature, message.body, order);
  const list: DBusValue[] = [];
  for (const [name, field] of Object.entries(fields) as [FieldName, Field][]) {
    if (name === 'fileDescriptors') continue;
    const value = message[name];
    if (value === undefined || (name === 'signature' && value === '')) continue;
    if (field.valid?.(value as string) === false) throw fault(`malformed ${name}`);
    list.push([field.code, new DBusVariant(field.signature, value)]);
  }
  checkFields(message.type, message as unknown as Record<string, unknown>);
  const out = new Marshaller(order);
  const flags = (message.noReply ? noReplyFlag : 0) | (message.noAutoStart ? noAutoStartFlag : 0);
  out.raw(Uint8Array.of(order === 'little' ? 0x6c : 0x42, typeCodes[message.type], flags, 1));
  out.uint32(body.length);
  if (message.serial === 0) throw fault('serial 0');
  out.uint32(message.serial);
  out.write(headerFields, list);
  out.align(8);
  out.raw(body);
  return out.bytes();
}

function checkFields(type: MessageType, have: Readonly<Record<string, unknown>>): void {
  for (const name of needed[type]) if (have[name] === undefined) throw fault(`${type} without ${name}`);
  if (type === 'signal' && have['path'] === '/org/freedesktop/DBus/Local') throw fault('a path that no one may use');
  if (have['interface'] === 'org.freedesktop.DBus.Local') throw fault('an interface that no one may use');
}

export function byteOrderOf(first: number): ByteOrder {
  if (first === 0x6c) return 'little';
  if (first === 0x42) return 'big';
  throw fault('neither little nor big endian');
}

/** Bytes that tell the size of a message. */
export const prefixSize = 16;

/** The size of the message whose first 16 bytes these are. Throws `Invalid`, and `Limit` above 128 MiB. */
export function messageSize(prefix: Uint8Array): number {
  const reader = new Unmarshaller(prefix.subarray(0, prefixSize), byteOrderOf(prefix[0]!), 4);
  if (prefix[3] !== 1) throw fault(`protocol version ${prefix[3]}`);
  const body = reader.uint32();
  if (reader.uint32() === 0) throw fault('serial 0');
  const header = prefixSize + reader.uint32();
  const size = Math.ceil(header / 8) * 8 + body;
  if (size > maxMessageBytes) throw new CoppiceError('Limit', `D-Bus message of ${size} bytes`);
  return size;
}

/** The message that `bytes` are, or undefined for one of a type that is not known (which is to be passed over). Throws `Invalid`. */
export function decodeMessage(bytes: Uint8Array): DBusMessage | undefined {
  if (bytes.length < prefixSize || messageSize(bytes) !== bytes.length) throw fault('of another size than it says');
  const order = byteOrderOf(bytes[0]!);
  if (bytes[1] === 0) throw fault('type 0');
  const type = typeNames[bytes[1]!];
  const head = new Unmarshaller(bytes, order, 8);
  const serial = head.uint32();
  const found: Partial<Record<FieldName, DBusValue>> = {};
  for (const one of head.read(headerFields) as readonly [number, DBusVariant][]) {
    const [code, variant] = one;
    if (code === 0) throw fault('header field 0');
    const name = fieldNames.get(code);
    if (name === undefined) continue;
    const field: Field = fields[name];
    if (variant.signature !== field.signature) throw fault(`${name} of type '${variant.signature}'`);
    if (found[name] !== undefined) throw fault(`${name} twice`);
    if (field.valid?.(variant.value as string) === false) throw fault(`malformed ${name}`);
    found[name] = variant.value;
  }
  head.align(8);
  if (type === undefined) return undefined;
  checkFields(type, found);
  const { fileDescriptors, signature = '', ...rest } = found;
  // Descriptors were not agreed on, so there are none.
  if (fileDescriptors !== undefined && fileDescriptors !== 0) throw fault('with file descriptors');
  parseSignature(signature as string);
  const flags = bytes[2]!;
  return {
    type,
    serial,
    ...((flags & noReplyFlag) === 0 ? {} : { noReply: true }),
    ...((flags & noAutoStartFlag) === 0 ? {} : { noAutoStart: true }),
    ...(rest as Partial<DBusMessage>),
    signature: signature as string,
    body: unmarshal(signature as string, bytes.subarray(head.position), order),
  };
}
