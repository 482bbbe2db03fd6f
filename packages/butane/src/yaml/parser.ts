import { type Mark, parserFault, YamlFault } from './fault.ts';
import { AliasNode, MappingNode, ScalarNode, SequenceNode, type YamlNode } from './node.ts';
import { Scanner } from './scanner.ts';
import { readYamlText } from './text.ts';
import type { Token, TokenType } from './token.ts';

// libyaml's parser: tokens to nodes. Its states are kept on a stack of frames, so that depth costs memory, not call stack.

/** Values of a document: keys, scalars, sequences and mappings. Far more than an instance takes, few enough for the memory of one. */
const maxNodes = 400_000;

type State =
  | 'document-end'
  | 'block-sequence'
  | 'indentless-sequence'
  | 'block-key'
  | 'block-value'
  | 'flow-sequence'
  | 'flow-pair-key'
  | 'flow-pair-value'
  | 'flow-pair-end'
  | 'flow-key'
  | 'flow-value'
  | 'flow-empty-value';

// What ends a node that may be empty, by where it stands.
const itemStops: readonly TokenType[] = ['block-entry', 'key', 'value', 'block-end'];
const keyStops: readonly TokenType[] = ['key', 'value', 'block-end'];
const entryStops: readonly TokenType[] = ['block-entry', 'block-end'];
const flowKeyStops: readonly TokenType[] = ['value', 'flow-entry', 'flow-mapping-end'];
const flowValueStops: readonly TokenType[] = ['flow-entry', 'flow-mapping-end'];
const flowPairStops: readonly TokenType[] = ['flow-entry', 'flow-sequence-end'];

interface Frame {
  state: State;
  readonly node: SequenceNode | MappingNode | undefined;
  readonly mark: Mark | undefined;
  first: boolean;
}

const position = (mark: Mark): { line: number; column: number } => ({ line: mark.line + 1, column: mark.column + 1 });

/** The first document of a YAML text; undefined when there is none. Throws `YamlFault`. */
export function parseYaml(bytes: Uint8Array): YamlNode | undefined {
  return new Parser(new Scanner(readYamlText(bytes))).document();
}

class Parser {
  readonly #scanner: Scanner;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #frames: Frame[] = [];
  readonly #tagPrefixes = new Map<string, string>([
    ['!', '!'],
    ['!!', 'tag:yaml.org,2002:'],
  ]);
  #root: YamlNode | undefined;
  #nodes = 0;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  document(): YamlNode | undefined {
    const { peek, skip } = this.#access();
    peek();
    skip();
    let token = peek();
    while (token.type === 'document-end') {
      skip();
      token = peek();
    }
    if (token.type === 'stream-end') return undefined;
    if (token.type === 'version-directive' || token.type === 'tag-directive' || token.type === 'document-start') {
      this.#directives();
      token = peek();
      if (token.type !== 'document-start')
        throw parserFault(undefined, token.start, 'did not find expected <document start>');
      skip();
      token = peek();
      if (['version-directive', 'tag-directive', 'document-start', 'document-end', 'stream-end'].includes(token.type)) {
        this.#root = this.#empty(token.start);
        return this.#root;
      }
    }
    this.#frames.push({ state: 'document-end', node: undefined, mark: undefined, first: false });
    this.#node(true, false);
    while (this.#frames.length > 1) this.#step();
    peek();
    return this.#root;
  }

  #access(): { peek: () => Token; skip: () => void } {
    return { peek: () => this.#scanner.peek(), skip: () => this.#scanner.skip() };
  }

  #directives(): void {
    let version = false;
    const handles = new Set<string>();
    for (;;) {
      const token = this.#scanner.peek();
      if (token.type === 'version-directive') {
        if (version) throw parserFault(undefined, token.start, 'found duplicate %YAML directive');
        if (token.value !== '1.1') throw parserFault(undefined, token.start, 'found incompatible YAML document');
        version = true;
      } else if (token.type === 'tag-directive') {
        if (handles.has(token.value!)) throw parserFault(undefined, token.start, 'found duplicate %TAG directive');
        handles.add(token.value!);
        this.#tagPrefixes.set(token.value!, token.suffix!);
      } else return;
      this.#scanner.skip();
    }
  }

  #empty(mark: Mark): ScalarNode {
    return new ScalarNode(position(mark), '', true, '');
  }

  /** Gives a finished or begun node to what waits for it. */
  #deliver(node: YamlNode, anchor: string | undefined): void {
    if (++this.#nodes > maxNodes) throw new YamlFault(`document has more than ${maxNodes} values`);
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    const parent = this.#frames.at(-1)!.node;
    if (parent === undefined) this.#root ??= node;
    else if (parent.kind === 'mapping') parent.content.push(node);
    else parent.items.push(node);
  }

  #open(node: SequenceNode | MappingNode, state: State, anchor: string | undefined, mark: Mark | undefined): void {
    this.#deliver(node, anchor);
    this.#frames.push({ state, node, mark, first: true });
  }

  /** Reads a node, or its start, into the innermost frame. */
  #node(block: boolean, indentless: boolean): void {
    let token = this.#scanner.peek();
    if (token.type === 'alias') {
      const target = this.#anchors.get(token.value!);
      if (target === undefined) throw new YamlFault(`unknown anchor '${token.value}' referenced`);
      this.#scanner.skip();
      this.#deliver(new AliasNode(position(token.start), token.value!, target), undefined);
      return;
    }
    const start = token.start;
    let anchor: string | undefined;
    let tag: string | undefined;
    for (let n = 0; n < 2; n++) {
      if (token.type === 'anchor' && anchor === undefined) anchor = token.value!;
      else if (token.type === 'tag' && tag === undefined) tag = this.#resolveTag(token, start);
      else break;
      this.#scanner.skip();
      token = this.#scanner.peek();
    }
    const written = tag ?? '';
    const at = position(start);
    if (indentless && token.type === 'block-entry') {
      this.#open(new SequenceNode(at, written), 'indentless-sequence', anchor, undefined);
      return;
    }
    switch (token.type) {
      case 'scalar':
        this.#scanner.skip();
        this.#deliver(new ScalarNode(at, token.value!, token.plain!, written), anchor);
        return;
      case 'flow-sequence-start':
        this.#scanner.skip();
        this.#open(new SequenceNode(at, written), 'flow-sequence', anchor, token.start);
        return;
      case 'flow-mapping-start':
        this.#scanner.skip();
        this.#open(new MappingNode(at, written), 'flow-key', anchor, token.start);
        return;
      case 'block-sequence-start':
        if (!block) break;
        this.#scanner.skip();
        this.#open(new SequenceNode(at, written), 'block-sequence', anchor, token.start);
        return;
      case 'block-mapping-start':
        if (!block) break;
        this.#scanner.skip();
        this.#open(new MappingNode(at, written), 'block-key', anchor, token.start);
        return;
    }
    if (anchor !== undefined || written !== '') {
      this.#deliver(new ScalarNode(at, '', true, written), anchor);
      return;
    }
    throw parserFault(start, token.start, 'did not find expected node content');
  }

  #resolveTag(token: Token, start: Mark): string {
    if (token.value === '') return token.suffix!;
    const prefix = this.#tagPrefixes.get(token.value!);
    if (prefix === undefined) throw parserFault(start, token.start, 'found undefined tag handle');
    return prefix + token.suffix!;
  }

  /** A node unless one of `stops` comes, which stand for an empty one at `mark`, else at their start. */
  #nodeUnless(stops: readonly TokenType[], block: boolean, indentless: boolean, mark?: Mark): void {
    const token = this.#scanner.peek();
    if (stops.includes(token.type)) this.#deliver(this.#empty(mark ?? token.start), undefined);
    else this.#node(block, indentless);
  }

  #step(): void {
    const frame = this.#frames.at(-1)!;
    const token = this.#scanner.peek();
    switch (frame.state) {
      case 'block-sequence':
        this.#blockSequence(frame, token);
        return;
      case 'indentless-sequence':
        if (token.type !== 'block-entry') {
          this.#frames.pop();
          return;
        }
        this.#scanner.skip();
        this.#nodeUnless(itemStops, true, false, token.end);
        return;
      case 'block-key':
        this.#blockKey(frame, token);
        return;
      case 'block-value':
        frame.state = 'block-key';
        if (token.type !== 'value') {
          this.#deliver(this.#empty(token.start), undefined);
          return;
        }
        this.#scanner.skip();
        this.#nodeUnless(keyStops, true, true, token.end);
        return;
      case 'flow-sequence':
        this.#flowSequence(frame, token);
        return;
      case 'flow-key':
        this.#flowKey(frame, token);
        return;
      case 'flow-empty-value':
        frame.state = 'flow-key';
        this.#deliver(this.#empty(token.start), undefined);
        return;
      case 'flow-value':
        frame.state = 'flow-key';
        this.#flowValue(token, flowValueStops);
        return;
      case 'flow-pair-key':
        frame.state = 'flow-pair-value';
        if (token.type === 'value' || token.type === 'flow-entry' || token.type === 'flow-sequence-end') {
          this.#scanner.skip();
          this.#deliver(this.#empty(token.end), undefined);
          return;
        }
        this.#node(false, false);
        return;
      case 'flow-pair-value':
        frame.state = 'flow-pair-end';
        this.#flowValue(token, flowPairStops);
        return;
      case 'flow-pair-end':
        this.#frames.pop();
        return;
      default:
        throw new Error('a parser state without a step');
    }
  }

  #blockSequence(frame: Frame, token: Token): void {
    if (token.type === 'block-entry') {
      this.#scanner.skip();
      this.#nodeUnless(entryStops, true, false, token.end);
      return;
    }
    if (token.type !== 'block-end') throw parserFault(frame.mark, token.start, "did not find expected '-' indicator");
    this.#frames.pop();
    this.#scanner.skip();
  }

  #blockKey(frame: Frame, token: Token): void {
    if (token.type === 'key') {
      this.#scanner.skip();
      frame.state = 'block-value';
      this.#nodeUnless(keyStops, true, true, token.end);
      return;
    }
    if (token.type !== 'block-end') throw parserFault(frame.mark, token.start, 'did not find expected key');
    this.#frames.pop();
    this.#scanner.skip();
  }

  /** The token behind the comma that separates flow items. */
  #flowItem(frame: Frame, token: Token, end: TokenType, problem: string): Token {
    if (token.type === end || frame.first) {
      frame.first = false;
      return token;
    }
    if (token.type !== 'flow-entry') throw parserFault(frame.mark, token.start, problem);
    this.#scanner.skip();
    return this.#scanner.peek();
  }

  #flowSequence(frame: Frame, first: Token): void {
    const token = this.#flowItem(frame, first, 'flow-sequence-end', "did not find expected ',' or ']'");
    if (token.type === 'key') {
      this.#scanner.skip();
      this.#open(new MappingNode(position(token.start), ''), 'flow-pair-key', undefined, undefined);
      return;
    }
    if (token.type !== 'flow-sequence-end') {
      this.#node(false, false);
      return;
    }
    this.#frames.pop();
    this.#scanner.skip();
  }

  #flowKey(frame: Frame, first: Token): void {
    const token = this.#flowItem(frame, first, 'flow-mapping-end', "did not find expected ',' or '}'");
    if (token.type === 'key') {
      this.#scanner.skip();
      frame.state = 'flow-value';
      this.#nodeUnless(flowKeyStops, false, false);
      return;
    }
    if (token.type !== 'flow-mapping-end') {
      frame.state = 'flow-empty-value';
      this.#node(false, false);
      return;
    }
    this.#frames.pop();
    this.#scanner.skip();
  }

  #flowValue(first: Token, stops: readonly TokenType[]): void {
    if (first.type !== 'value') {
      this.#deliver(this.#empty(first.start), undefined);
      return;
    }
    this.#scanner.skip();
    this.#nodeUnless(stops, false, false);
  }
}
