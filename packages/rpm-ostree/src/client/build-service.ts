// Packages by the pages of Fedora's build system (Koji) and of its updates (Bodhi): which RPM files such a page stands for.
import { CoppiceError, messageOf, prefixError } from '@coppice/base';
import type { Fetcher } from '@coppice/http';
import { decodeResponse, encodeCall, type RpcValue } from './xml-rpc.ts';

/** Where the services are; each ends in a slash. */
export interface BuildServices {
  /** Pages of builds: `buildinfo?buildID=N`. */
  readonly kojiPages: string;
  /** The hub, which speaks XML-RPC. */
  readonly kojiHub: string;
  /** Above `packages/NAME/VERSION/RELEASE/ARCH/FILE`. */
  readonly kojiFiles: string;
  /** Updates: a page for people, JSON for programs. */
  readonly bodhiUpdates: string;
}

export const fedoraServices: BuildServices = {
  kojiPages: 'https://koji.fedoraproject.org/koji/',
  kojiHub: 'https://koji.fedoraproject.org/kojihub/',
  kojiFiles: 'https://kojipkgs.fedoraproject.org/',
  bodhiUpdates: 'https://bodhi.fedoraproject.org/updates/',
};

export interface BuildQuery {
  readonly services: BuildServices;
  /** Packages of this architecture and of none. */
  readonly arch: string;
  /** Only packages of these names; undefined for all. */
  readonly names?: ReadonlySet<string>;
}

const answerLimit = 32 * 1024 * 1024;

type Struct = Readonly<Record<string, RpcValue>>;

function isStruct(value: RpcValue | undefined): value is Struct {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that becomes part of a file's name. */
function part(struct: Struct, key: string): string {
  const value = Object.hasOwn(struct, key) ? struct[key] : undefined;
  if (value === undefined) throw new CoppiceError('Invalid', `Missing key ${key}`);
  if (typeof value !== 'string') throw new CoppiceError('Invalid', `Key ${key} is not a string`);
  if (!/^[A-Za-z0-9_.+~^-]+$/.test(value) || /^\.+$/.test(value))
    throw new CoppiceError('Invalid', `Key ${key} is no part of a file name: ${value.slice(0, 80)}`);
  return value;
}

const isDebug = (name: string): boolean => /-debug(info|source)(-|$)/.test(name);

/** Asks one service of packages. */
export class BuildService {
  readonly #fetcher: Fetcher;
  readonly #query: BuildQuery;

  constructor(fetcher: Fetcher, query: BuildQuery) {
    this.#fetcher = fetcher;
    this.#query = query;
  }

  /** Whether an address is one of a build or update. */
  static knows(url: string, services: BuildServices): boolean {
    return url.startsWith(services.bodhiUpdates) || url.startsWith(services.kojiPages);
  }

  /** Addresses of the packages behind a page. Throws `Invalid`, `Process` with the service's text, `Network`. */
  async packages(url: string): Promise<string[]> {
    const { services } = this.#query;
    if (url.startsWith(services.bodhiUpdates)) return await this.#ofUpdate(url.slice(services.bodhiUpdates.length));
    const id = /^buildID=(\d{1,15})$/.exec(url.slice(url.lastIndexOf('?') + 1))?.[1];
    if (id === undefined) throw new CoppiceError('Invalid', `Failed to parse Koji buildid from URL ${url}`);
    return await this.#ofBuild(Number(id));
  }

  async #call(method: string, arg: number | string): Promise<RpcValue> {
    const what = `Invoking koji ${method}()`;
    const body = Buffer.from(encodeCall(method, [arg]));
    try {
      const { bytes } = await this.#fetcher.bytes(this.#query.services.kojiHub, {
        maxSize: answerLimit,
        post: { type: 'text/xml', body },
      });
      return decodeResponse(bytes, 'XML-RPC');
    } catch (error) {
      throw prefixError(error, what);
    }
  }

  async #ofBuild(build: number | string): Promise<string[]> {
    const { services, arch, names } = this.#query;
    const found = await this.#call('getBuild', build);
    if (!isStruct(found)) throw new CoppiceError('NotFound', 'Expected struct from getBuild');
    const name = part(found, 'name');
    const id = Object.hasOwn(found, 'id') ? found['id'] : undefined;
    if (id === undefined) throw new CoppiceError('Invalid', 'Missing `id` in getBuild');
    if (typeof id !== 'number') throw new CoppiceError('Invalid', 'getBuild id is not an i64');
    const list = await this.#call('listRPMs', id);
    if (!Array.isArray(list)) throw new CoppiceError('Invalid', 'Expected array from listRPMs');
    return list.flatMap((rpm: RpcValue) => {
      if (!isStruct(rpm)) throw new CoppiceError('Invalid', 'Expected struct in listRPMs');
      const own = part(rpm, 'arch');
      if (own !== arch && own !== 'noarch') return [];
      const title = part(rpm, 'name');
      if (isDebug(title) || names?.has(title) === false) return [];
      const file = `${part(rpm, 'nvr')}.${own}.rpm`;
      return [`${services.kojiFiles}packages/${name}/${part(rpm, 'version')}/${part(rpm, 'release')}/${own}/${file}`];
    });
  }

  async #ofUpdate(id: string): Promise<string[]> {
    const url = `${this.#query.services.bodhiUpdates}${id}`;
    let update: unknown;
    try {
      const { bytes } = await this.#fetcher.bytes(url, { maxSize: answerLimit });
      update = JSON.parse(Buffer.from(bytes).toString());
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new CoppiceError('Invalid', `Failed to download bodhi update info: ${messageOf(error)}`);
      throw prefixError(error, 'Failed to download bodhi update info');
    }
    const builds = (update as { update?: { builds?: unknown } } | null)?.update?.builds;
    if (!Array.isArray(builds)) throw new CoppiceError('Invalid', `${url}: no builds in the update`);
    const out: string[] = [];
    for (const build of builds as readonly unknown[]) {
      const nvr = (build as { nvr?: unknown } | null)?.nvr;
      if (typeof nvr !== 'string') throw new CoppiceError('Invalid', `${url}: a build without nvr`);
      out.push(...(await this.#ofBuild(nvr)));
    }
    return out;
  }
}
