// The JSON Schemas in an editor's YAML language server, spoken to as editors do.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { allSpecs, butaneSchema } from '@coppice/butane';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly uri?: string;
    readonly items?: readonly unknown[];
    readonly diagnostics?: readonly Problem[];
  };
  readonly result?: unknown;
}
interface Problem {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number; readonly character: number } };
}

/** A language server on pipes. */
class Server {
  readonly #process: ChildProcess;
  #input = Buffer.alloc(0);
  #nextId = 1;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #problems = new Map<string, (found: readonly Problem[]) => void>();

  constructor() {
    const program = join(root, 'node_modules/yaml-language-server/bin/yaml-language-server');
    this.#process = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdout!.on('data', (data: Buffer) => {
      this.#input = Buffer.concat([this.#input, data]);
      this.#read();
    });
  }

  #read(): void {
    for (;;) {
      const end = this.#input.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(this.#input.toString('latin1', 0, end))?.[1]);
      if (this.#input.length < end + 4 + length) return;
      const message = JSON.parse(this.#input.toString('utf8', end + 4, end + 4 + length)) as Message;
      this.#input = this.#input.subarray(end + 4 + length);
      this.#handle(message);
    }
  }

  #handle(message: Message): void {
    if (message.method === undefined) this.#answers.get(message.id!)?.(message.result);
    else if (message.method === 'textDocument/publishDiagnostics')
      this.#problems.get(message.params!.uri!)?.(message.params!.diagnostics!);
    else if (message.id !== undefined) {
      const result = message.method === 'workspace/configuration' ? message.params!.items!.map(() => null) : null;
      this.#send({ id: message.id, result });
    }
  }

  #send(message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#process.stdin!.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  request(method: string, params: object): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((done) => {
      this.#answers.set(id, done);
      this.#send({ id, method, params });
    });
  }
  notify(method: string, params: object): void {
    this.#send({ method, params });
  }

  /** Opens a document; what the server says about it. */
  open(uri: string, text: string): Promise<readonly Problem[]> {
    return new Promise((done) => {
      this.#problems.set(uri, done);
      this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text } });
    });
  }
  stop(): void {
    this.#process.kill();
  }
}

let work = '';
let server: Server;
const opened = (name: string): string => `file://${work}/${name}`;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'coppice-schema-'));
  for (const spec of allSpecs())
    writeFileSync(join(work, `${spec.variant}-${spec.version}.json`), JSON.stringify(butaneSchema(spec)));
  server = new Server();
  await server.request('initialize', {
    processId: process.pid,
    rootUri: `file://${work}`,
    capabilities: { textDocument: { completion: { completionItem: {} } } },
  });
  server.notify('initialized', {});
});
afterAll(() => {
  server.stop();
  rmSync(work, { recursive: true, force: true });
});

const line = (variant: string, version: string): string =>
  `# yaml-language-server: $schema=${opened(`${variant}-${version}.json`)}\n`;

describe('the schemas in a YAML language server', () => {
  it.each([
    ['web-server.bu', 'fcos', '1.6.0'],
    ['encrypted-mirror.bu', 'fcos', '1.6.0'],
    ['flatcar.bu', 'flatcar', '1.1.0'],
    ['machine-config.bu', 'openshift', '4.18.0'],
  ])('%s has no problem', async (name, variant, version) => {
    const text = readFileSync(join(root, 'examples', name), 'utf8');
    expect(await server.open(opened(name), line(variant, version) + text)).toEqual([]);
  });

  it('points at a misspelled key and at a value of the wrong type', async () => {
    const text = `${line('fcos', '1.5.0')}variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      mod: 0644\n    - path: /b\n      mode: rw\n`;
    const found = await server.open(opened('wrong.bu'), text);
    expect(found.map((each) => each.range.start.line)).toEqual([6, 8]);
    expect(found[0]!.message).toContain('mod');
  });

  it('points at what a version does not have', async () => {
    const text = `${line('fcos', '1.0.0')}variant: fcos\nversion: 1.0.0\nkernel_arguments:\n  should_exist: [a]\n`;
    const found = await server.open(opened('old.bu'), text);
    expect(found.map((each) => each.range.start.line)).toEqual([3]);
  });

  it('completes keys', async () => {
    const uri = opened('complete.bu');
    const text = `${line('fcos', '1.5.0')}variant: fcos\nversion: 1.5.0\nstorage:\n  \n`;
    await server.open(uri, text);
    const answer = (await server.request('textDocument/completion', {
      textDocument: { uri },
      position: { line: 4, character: 2 },
    })) as { items: readonly { label: string }[] };
    const labels = answer.items.map((item) => item.label);
    for (const name of ['files', 'trees', 'luks', 'disks']) expect(labels).toContain(name);
  });
});
