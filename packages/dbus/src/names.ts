// Names on the bus (D-Bus specification, "Valid Names" and "Valid Object Paths").

/** Bytes that a name may have. */
const longest = 255;

const busName = /^(?::[\w-]+(?:\.[\w-]+)+|[A-Za-z_-][\w-]*(?:\.[A-Za-z_-][\w-]*)+)$/;
const interfaceName = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;
const memberName = /^[A-Za-z_]\w*$/;
const objectPath = /^\/(?:\w+(?:\/\w+)*)?$/;

/** A unique name (`:1.42`) or a well-known one (`org.example.Name`). */
export function isBusName(text: string): boolean {
  return text.length <= longest && busName.test(text);
}

/** The name of an interface; names of errors have the same form. */
export function isInterfaceName(text: string): boolean {
  return text.length <= longest && interfaceName.test(text);
}

/** The name of a method or a signal. */
export function isMemberName(text: string): boolean {
  return text.length <= longest && memberName.test(text);
}

export function isObjectPath(text: string): boolean {
  return objectPath.test(text);
}
