import { encodeText } from '@coppice/archive';
import type { Header } from '../header/header.ts';
import { namedFormats } from './named-formats.ts';
import { formatHeader, parseQueryFormat } from './query-format.ts';

const format = parseQueryFormat(namedFormats.xml);

/** What `rpm -q --xml` (4.18) prints of a header with its signature tags merged; bytes, since texts may be in any encoding. */
export function headerXml(header: Header): Buffer {
  return formatHeader(header, format);
}

/** Text with lossless names back to bytes. */
export function textBytes(text: string): Buffer {
  return encodeText(text);
}
