// @coppice/dbus: D-Bus. The codec (types, values, messages, names, rules, addresses) does no I/O; connections speak over a stream.

// Types and values.
export type { DBusType } from './signature.ts';
export { parseSignature, parseSingleType } from './signature.ts';
export type { DBusValue } from './value.ts';
export { DBusVariant, maxArrayBytes, maxMessageBytes } from './value.ts';
// Values to bytes and back.
export type { ByteOrder } from './marshal.ts';
export { marshal } from './marshal.ts';
export { unmarshal } from './unmarshal.ts';
// Messages.
export type { DBusMessage, MessageType } from './message.ts';
export { decodeMessage, encodeMessage } from './message.ts';
export { MessageFraming } from './framing.ts';
// Names, match rules, addresses.
export { isBusName, isInterfaceName, isMemberName, isObjectPath } from './names.ts';
export type { MatchRule } from './match-rule.ts';
export { matches, matchRuleText } from './match-rule.ts';
export type { BusAddress } from './address.ts';
export { endpointOf, parseAddresses, systemBusPath } from './address.ts';
// Connections.
export { connectBus, connectSystemBus } from './bus.ts';
export type { ConnectionOptions, MethodCall, MethodHandler, MethodResult } from './connection.ts';
export { DBusConnection } from './connection.ts';
