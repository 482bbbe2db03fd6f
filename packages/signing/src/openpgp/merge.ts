import { concatBytes, toHex } from '@coppice/base';
import { dearmor } from './armor.ts';
import { type Packet, packetTag, readPackets } from './packet.ts';
import { parsePublicKey } from './public-key.ts';

/** One key block: its head packet (primary key), then components (user ID, subkey), each followed by signatures. */
interface Block {
  readonly fingerprint: string;
  readonly components: { readonly head: Packet; readonly signatures: Packet[] }[];
}

const isComponent = (tag: number): boolean =>
  tag === packetTag.publicKey ||
  tag === packetTag.publicSubkey ||
  tag === packetTag.userId ||
  tag === packetTag.userAttribute;

function readBlocks(bytes: Uint8Array): Block[] {
  const blocks: Block[] = [];
  let block: Block | undefined;
  for (const packet of readPackets(dearmor(bytes))) {
    if (packet.tag === packetTag.publicKey) {
      try {
        block = {
          fingerprint: parsePublicKey(packet.body).fingerprint,
          components: [{ head: packet, signatures: [] }],
        };
        blocks.push(block);
      } catch {
        block = undefined;
      }
    } else if (packet.tag === packetTag.secretKey) block = undefined;
    else if (block === undefined) continue;
    else if (packet.tag === packetTag.signature) block.components.at(-1)!.signatures.push(packet);
    else if (isComponent(packet.tag)) block.components.push({ head: packet, signatures: [] });
  }
  return blocks;
}

function mergeInto(target: Block, source: Block): void {
  for (const from of source.components) {
    const name = `${from.head.tag} ${toHex(from.head.body)}`;
    const into = target.components.find((c) => `${c.head.tag} ${toHex(c.head.body)}` === name);
    if (into === undefined) {
      target.components.push({ head: from.head, signatures: [...from.signatures] });
      continue;
    }
    const have = new Set(into.signatures.map((s) => toHex(s.body)));
    for (const signature of from.signatures) if (!have.has(toHex(signature.body))) into.signatures.push(signature);
  }
}

/**
 * Adds public keys to a keyring, as `gpg --import`: known keys gain new signatures (expiry changes, revocations), new keys
 * are appended. `only` limits to keys whose fingerprint ends with one of these IDs.
 */
export function importKeys(
  keyring: Uint8Array,
  source: Uint8Array | readonly Uint8Array[],
  only?: readonly string[],
): { readonly keyring: Uint8Array; readonly added: readonly string[]; readonly found: readonly string[] } {
  const blocks = readBlocks(keyring);
  const added: string[] = [];
  const found: string[] = [];
  const wanted = only?.map((id) => id.replace(/^0x/i, '').toUpperCase());
  for (const part of source instanceof Uint8Array ? [source] : source) {
    for (const block of readBlocks(part)) {
      if (wanted !== undefined && !wanted.some((id) => block.fingerprint.endsWith(id))) continue;
      found.push(block.fingerprint);
      const known = blocks.find((b) => b.fingerprint === block.fingerprint);
      if (known !== undefined) mergeInto(known, block);
      else {
        blocks.push(block);
        added.push(block.fingerprint);
      }
    }
  }
  const parts = blocks.flatMap((b) => b.components.flatMap((c) => [c.head.raw, ...c.signatures.map((s) => s.raw)]));
  return { keyring: concatBytes(parts), added, found };
}
