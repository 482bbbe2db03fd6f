import { expect, test } from 'vitest';
import { signRequest } from '../src/coppice/repo/publish-s3.ts';

// The worked examples of Amazon's description of Signature Version 4 in the Authorization header.
const credentials = {
  id: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  token: undefined,
  region: 'us-east-1',
};
const now = Date.UTC(2013, 4, 24);
const signatureOf = (headers: Record<string, string>): string =>
  /Signature=([0-9a-f]{64})$/.exec(headers['authorization']!)![1]!;

test('a GET of a range', () => {
  const signed = signRequest(
    'GET',
    new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    { range: 'bytes=0-9' },
    credentials,
    now,
  );
  expect(signatureOf(signed)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
});

test('a PUT', () => {
  const signed = signRequest(
    'PUT',
    new URL('https://examplebucket.s3.amazonaws.com/test%24file.text'),
    '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    credentials,
    now,
  );
  expect(signatureOf(signed)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
});
