import { encodeText } from '@coppice/archive';
import type { RpmLevel } from '../compat.ts';
import type { Header } from '../header/header.ts';
import { namedFormats } from './named-formats.ts';
import { formatHeader, parseQueryFormat } from './query-format.ts';

const format = parseQueryFormat(namedFormats.xml);

/** What `rpm -q --xml` prints of a header with its signature tags merged; bytes, since texts may be in any encoding. */
export function headerXml(header: Header, level: RpmLevel = '4.18'): Buffer {
  return formatHeader(header, format, { level });
}

/** Text with lossless names back to bytes. */
export function textBytes(text: string): Buffer {
  return encodeText(text);
}
