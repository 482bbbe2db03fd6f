import { asInt, type Fields, type Value } from '@coppice/ignition';
import { nodeText, type YamlNode } from './node.ts';
import { resolveScalar } from './resolve.ts';

/** Values that a document may unfold to: aliases can multiply. */
const maxValues = 1_000_000;

/** A document as plain values; undefined when it unfolds to too much. Throws `YamlFault` for scalars against their tag. */
export function plainValue(root: YamlNode): Value {
  let count = 0;
  const convert = (node: YamlNode, depth: number): Value => {
    if (++count > maxValues || depth > 200) throw new RangeError('too large');
    switch (node.kind) {
      case 'scalar': {
        const found = node.plain || node.tag !== '' ? resolveScalar(node.tag, node.value)[1] : node.value;
        return found === null ? undefined : typeof found === 'bigint' ? asInt(found) : found;
      }
      case 'alias':
        return convert(node.target, depth + 1);
      case 'sequence':
        return node.items.map((item) => convert(item, depth + 1));
      default: {
        const out: Fields = Object.create(null) as Fields;
        for (let i = 0; i + 1 < node.content.length; i += 2)
          out[nodeText(node.content[i]!)] = convert(node.content[i + 1]!, depth + 1);
        return out;
      }
    }
  };
  try {
    return convert(root, 0);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
