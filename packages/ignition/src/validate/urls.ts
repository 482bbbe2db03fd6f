import { decodeDataUrl } from '../data-url.ts';
import { parseGoUrl, queryValues } from '../go-url.ts';
import { type Finding, finding } from '../report.ts';

/** What is wrong with a source URL in a spec of this minor version, if anything. */
export function urlFinding(url: string, minor: number): Finding | undefined {
  const parsed = parseGoUrl(url);
  if (parsed === undefined) return finding('url-invalid');
  switch (parsed.scheme) {
    case 'http':
    case 'https':
    case 'tftp':
      return undefined;
    case 'gs':
      return minor >= 2 ? undefined : finding('url-scheme');
    case 's3':
      return versionIdFinding(parsed.rawQuery);
    case 'arn':
      return minor >= 4 ? arnFinding(`arn:${parsed.opaque}`, parsed.rawQuery) : finding('url-scheme');
    case 'data': {
      const decoded = decodeDataUrl(url);
      return typeof decoded === 'string' ? finding('data-url', decoded) : undefined;
    }
    default:
      return finding('url-scheme');
  }
}

export function optionalUrlFinding(url: string | undefined, minor: number): Finding | undefined {
  return url === undefined || url === '' ? undefined : urlFinding(url, minor);
}

function versionIdFinding(rawQuery: string): Finding | undefined {
  const values = queryValues(rawQuery, 'versionId');
  return values !== undefined && values[0] === '' ? finding('s3-version-id') : undefined;
}

function arnFinding(arn: string, rawQuery: string): Finding | undefined {
  const sections = arn.split(':');
  if (sections.length < 6) return finding('s3-arn');
  if (sections[2] !== 's3') return finding('s3-arn');
  const resource = sections.slice(5).join(':');
  const parts = arn.split('/').length;
  if (parts < (resource.startsWith('accesspoint/') ? 3 : 2)) return finding('s3-arn');
  return versionIdFinding(rawQuery);
}
