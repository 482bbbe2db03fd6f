// The one kind of request that nearly all are: GET of a plain path over HTTP/1.1, on a connection that stays open, without a
// body, conditions or ranges. Whatever is not exactly that is left to a complete server.

const requestLine = /^GET (\/[\w+./-]*) HTTP\/1\.1\r\n/;
const fieldLines = /^(?:[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+$/;
const special = /^(?:range|if-[a-z-]*|content-length|transfer-encoding|expect|upgrade|te|trailer|http2-settings):/im;
const closing = /^(?:proxy-)?connection:(?![\t ]*keep-alive[\t ]*\r$)/im;
const longest = 8192;

/** Field lines that were fine the last time: a client sends the same ones again and again. */
let lastFields = '';

/** The path of a simple request, given as its whole head with the blank line; undefined for any other. */
export function quickPath(head: string): string | undefined {
  if (head.length > longest) return undefined;
  const line = requestLine.exec(head);
  if (line === null) return undefined;
  const fields = head.slice(line[0].length, -2);
  if (fields !== lastFields) {
    if (!fieldLines.test(fields) || special.test(fields) || closing.test(fields)) return undefined;
    const hosts = fields.match(/^host:.*$/gim);
    if (hosts?.length !== 1 || !/^host:[\t ]*[^\s,/]+[\t ]*\r?$/i.test(hosts[0]!)) return undefined;
    lastFields = fields;
  }
  return line[1];
}
