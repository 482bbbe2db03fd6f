import { encodeText } from '@coppice/archive';
import type { Header } from '../header/header.ts';
import { HeaderType } from '../header/tag.ts';
import { tagInfo } from '../header/tag-table.ts';

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function escapeXml(text: string): string {
  return text.replace(/[<>&]/g, (c) => (c === '<' ? '&lt;' : c === '>' ? '&gt;' : '&amp;'));
}

function base64Lines(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
}

function valuesXml(header: Header, tag: number): string {
  const { type } = header.entry(tag)!;
  if (type === HeaderType.Binary) return `\t<base64>${base64Lines(header.getBinary(tag)!)}</base64>\n`;
  if (type >= HeaderType.String) {
    // Translated texts show the untranslated one only.
    const all = header.rawStrings(tag)!;
    const list = type === HeaderType.I18nString ? all.slice(0, 1) : all;
    return list
      .map((raw) => (raw.length === 0 ? '\t<string/>\n' : `\t<string>${escapeXml(latin(raw))}</string>\n`))
      .join('');
  }
  return header
    .getNumbers(tag)
    .map((n) => `\t<integer>${n}</integer>\n`)
    .join('');
}

/** What `rpm -q --xml` (4.18) prints of a header with its signature tags merged; bytes, since texts may be in any encoding. */
export function headerXml(header: Header): Buffer {
  let out = '<rpmHeader>\n';
  const name = (tag: number): string => {
    const info = tagInfo(tag);
    return info === undefined || info.since !== undefined ? '(unknown)' : info.name;
  };
  for (const tag of header.tags()) out += `  <rpmTag name="${name(tag)}">\n${valuesXml(header, tag)}  </rpmTag>\n`;
  return Buffer.from(`${out}</rpmHeader>\n`, 'latin1');
}

/** Text with lossless names back to bytes. */
export function textBytes(text: string): Buffer {
  return encodeText(text);
}
