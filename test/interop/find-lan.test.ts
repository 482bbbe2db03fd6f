// Repositories that are announced on the local network: dbus-daemon and avahi-daemon in a network namespace of their own,
// and both programs look there. What the services say stands in files of avahi's, or comes from `coppice repo serve --lan`.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAdvert } from '../../packages/ostree/src/lan/advert.ts';
import { originalOutput, scratch, skipReason } from './ostree-support.ts';

const root = join(import.meta.dirname, '../..');
const [one, two] = ['org.example.One', 'org.example.Two'];

const why =
  skipReason ??
  (['/usr/bin/dbus-daemon', '/usr/sbin/avahi-daemon'].every((path) => existsSync(path))
    ? spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']).status === 0
      ? undefined
      : 'network namespaces cannot be made here'
    : 'dbus-daemon and avahi-daemon are not installed');
if (why !== undefined && why !== skipReason && process.env['CI'] === 'true') throw new Error(why);

describe.skipIf(why !== undefined)(`the local network (${why ?? 'ostree, dbus-daemon and avahi-daemon found'})`, () => {
  const work = scratch();
  const at = (name: string): string => join(work.path, name);

  /** Runs a script in a network of its own, with a bus, avahi unless told otherwise, and the services in `at('services')`. */
  function onNetwork(script: string, avahi = true): { status: number | null; stdout: string; stderr: string } {
    const file = at('run.sh');
    writeFileSync(
      file,
      `cd ${work.path}
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon && chown avahi:avahi /run/avahi-daemon || exit 99
mount --bind ${at('services')} /etc/avahi/services || exit 99
ip link set lo up; ip link add v0 type veth peer name v1; ip link set v1 addrgenmode none
ip link set v0 up; ip link set v1 up; ip addr add 10.77.0.1/24 dev v0; ip addr add 2001:db8::1/64 dev v0 nodad
until_true() { for _ in $(seq \${tries:-200}); do "$@" 2>/dev/null && return; sleep 0.05; done; echo "never: $*" >&2; exit 98; }
dbus-daemon --system --nofork --nopidfile 2>/dev/null &
until_true test -S /run/dbus/system_bus_socket
${
  avahi
    ? `avahi-daemon -f ${at('avahi.conf')} --no-drop-root --no-chroot --no-rlimits >/run/avahi.log 2>&1 &
until_true grep -q 'startup complete' /run/avahi.log
for name in $(ls /etc/avahi/services); do until_true grep -q "Service \\"\${name%.service}\\" .*established" /run/avahi.log; done`
    : ''
}
${script}
`,
    );
    return spawnSync(
      'timeout',
      ['-s', 'KILL', '240', 'unshare', '-n', '-m', '-p', '--fork', '--kill-child', '--mount-proc', 'bash', file],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          LC_ALL: 'C.UTF-8',
          TZ: 'UTC',
          COPPICE_SOURCE: '1',
          COPPICE_COMPAT: 'ostree=2022.7',
          OSTREE_GPG_HOME: '/nonexistent',
          PATH: `${process.env['PATH']}:/usr/sbin:/sbin`,
        },
      },
    );
  }

  /** A service file of avahi's. */
  function service(name: string, port: number, txt: readonly Uint8Array[]): void {
    const records = txt.map((entry) => {
      const [key, value] = [Buffer.from(entry).toString('latin1').split('=', 1)[0]!, Buffer.from(entry)];
      return `<txt-record value-format="binary-hex">${key}=${value.subarray(key.length + 1).toString('hex')}</txt-record>`;
    });
    writeFileSync(
      at(`services/${name}.service`),
      `<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd"><service-group><name>${name}</name>
<service><type>_ostree_repo._tcp</type><port>${port}</port>${records.join('')}</service></service-group>`,
    );
  }

  beforeAll(() => {
    chmodSync(work.path, 0o755);
    for (const name of ['services', 'tree', 'www']) mkdirSync(at(name));
    mkdirSync(at('gpg'), { mode: 0o700 });
    writeFileSync(
      at('avahi.conf'),
      '[server]\nhost-name=peer\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=yes\n[publish]\npublish-hinfo=no\npublish-workstation=no\n',
    );
    writeFileSync(at('tree/file'), 'from a peer\n');
    const gpg = (...args: string[]) =>
      spawnSync('gpg', ['--homedir', at('gpg'), '--batch', '--passphrase', '', ...args], { encoding: 'utf8' }).stdout;
    gpg('--quick-gen-key', 'Peer <peer@example.com>', 'rsa2048');
    const key = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--list-keys', '--with-colons'))![1]!;
    gpg('--output', at('key.gpg'), '--export');
    const sign = [`--gpg-sign=${key}`, `--gpg-homedir=${at('gpg')}`];
    const repo = (name: string): string => `--repo=${at(name)}`;
    const commit = (name: string, branch: string, time: number): void => {
      originalOutput(repo(name), 'commit', '-b', branch, `--timestamp=@${time}`, ...sign, at('tree'));
    };
    for (const [name, collection] of [
      ['www/0', one],
      ['www/7', one],
      ['other', two],
    ] as const)
      originalOutput('init', repo(name), '--mode=archive', `--collection-id=${collection}`);
    commit('www/0', 'app', 1_700_000_000);
    commit('www/0', 'lib', 1_700_000_000);
    commit('other', 'app', 1_700_000_050);
    originalOutput(repo('other'), 'summary', '-u');
    originalOutput(repo('www/7'), 'pull-local', at('www/0'), 'app');
    commit('www/7', 'lib', 1_700_000_100);
    const trust = [`--gpg-import=${at('key.gpg')}`];
    originalOutput(repo('www/7'), 'remote', 'add', `--collection-id=${two}`, ...trust, 'two', `file://${at('other')}`);
    originalOutput(repo('www/7'), 'pull', '--mirror', 'two', 'app');
    for (const name of ['www/0', 'www/7']) originalOutput(repo(name), 'summary', '-u');
    originalOutput('init', repo('client'), '--mode=bare-user');
    const remote = [repo('client'), 'remote', 'add', ...trust];
    originalOutput(...remote, `--collection-id=${one}`, 'origin', `file://${at('www/0')}`);
    originalOutput(...remote, `--collection-id=${two}`, 'second', 'http://127.0.0.1:1/nothing');
  });
  afterAll(() => {
    spawnSync('gpgconf', ['--homedir', at('gpg'), '--kill', 'all']);
    work.remove();
  });

  /** A script that runs `find-remotes` with each of the argument lists, in a fresh copy of the client. */
  const find = (program: string, calls: readonly string[]): string =>
    calls
      .map(
        (args) => `rm -rf side; cp -a client side; echo '$ ${args}'
timeout 30 ${program} --repo=side find-remotes ${args} 2>&1; echo "=> $?"; ostree --repo=side refs -c | sort
ls side/tmp/cache/summaries 2>/dev/null | sort`,
      )
      .join('\n');
  const plain = (text: string): string =>
    text.replace(/find-remotes:\d+\)/g, 'find-remotes:PID)').replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME');
  const programs = ['ostree', join(root, 'bin/ostree')] as const;

  test('what peers announce is found and pulled as by the original', () => {
    const refs = [
      { collection: one, ref: 'app' },
      { collection: one, ref: 'lib' },
      { collection: two, ref: 'app' },
    ];
    const txt = (index: number, time = 1_700_000_000n): Uint8Array[] => makeAdvert(refs, time, index);
    const port = 18_080;
    service('zero', port, txt(0));
    service('seven', port, txt(7, 1_700_000_001n));
    service('again', port, txt(7, 1_700_000_001n));
    service('no-such-repository', port, txt(9));
    service('nobody-listens', port + 1, txt(0));
    service('other-version', port, [Buffer.from('v=\x02'), ...txt(0).slice(1)]);
    service('no-index', port, txt(0).slice(0, 3));
    service('short-time', port, [...txt(0).slice(0, 2), Buffer.from('st=123'), txt(0)[3]!]);
    service('other-hash', port, [txt(0)[0]!, Buffer.from('rb=\x07\x02ABCDEFGH'), ...txt(0).slice(2)]);
    service('no-hashes', port, [txt(0)[0]!, Buffer.from('rb=\0\x01ABCDEFGH'), ...txt(0).slice(2)]);
    service('other-refs', port, makeAdvert([{ collection: one, ref: 'none' }], 1n, 0));
    const calls = [
      `--finders=lan ${one} app`,
      `--finders=lan ${one} app ${one} lib ${one} missing ${two} app org.example.Three app`,
      `--finders=lan,config ${one} app ${two} app`,
      `--finders=lan org.example.Three app`,
      `--finders=lan --pull ${one} app ${one} lib`,
      `--finders=lan --pull --mirror ${one} app ${two} app`,
    ];
    const serve = `python3 -c '
import http.server, socket
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Server(("::", ${port}), http.server.SimpleHTTPRequestHandler).serve_forever()' >/dev/null 2>&1 &
until_true bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`;
    const { status, stdout, stderr } = onNetwork(
      `cd www; ${serve}\ncd ..\n${programs.map((program) => find(program, calls)).join('\necho =====\n')}`,
    );
    expect([status, stderr]).toEqual([0, '']);
    const [theirs, ours] = plain(stdout).split('=====\n');
    expect(theirs).toContain('Result 0: http://10.77.0.1:18080/0');
    expect(theirs).toContain('Pulled 2/2 refs successfully.');
    expect(ours).toBe(theirs);
  });

  test.each([
    ['no avahi', false, ''],
    ['no bus', false, 'export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent\n'],
    ['a malformed address', false, 'export DBUS_SYSTEM_BUS_ADDRESS=nothing\n'],
  ])('with %s it says what the original says', (_name, avahi, prepare) => {
    const calls = [`--finders=config,lan ${one} app`, `--finders=lan,config ${two} app`];
    const byDefault = `ostree --repo=client config set core.default-repo-finders 'config;lan'`;
    const all = (program: string): string =>
      `${find(program, calls)}\n${byDefault}\n${find(program, [`${one} app`])}\nostree --repo=client config unset core.default-repo-finders`;
    const { status, stdout } = onNetwork(`${prepare}${programs.map(all).join('\necho =====\n')}`, avahi);
    expect(status).toBe(0);
    const [theirs, ours] = plain(stdout).split('=====\n');
    expect(theirs).toContain('Avahi finder failed; removing it: Avahi daemon is not running: Daemon not running');
    expect(ours).toBe(theirs);
  });

  test('the original finds and pulls what coppice announces, and sees new refs of it', () => {
    const script = `rm -f services/*; cp -a www/7 served
${join(root, 'bin/coppice')} repo serve served --lan >out 2>err & server=$!
until_true grep -q 'announced as' err
cp -a client fresh
timeout 30 ostree --repo=fresh find-remotes --finders=lan --pull ${one} app ${two} app | grep -v Summary
ostree --repo=fresh fsck -q >/dev/null && ostree --repo=fresh refs | sort
ostree --repo=served commit -b later --timestamp=@1700000300 tree >/dev/null; ostree --repo=served summary -u
found() { ostree --repo=fresh find-remotes --finders=lan ${one} later | grep -q '1/1 refs were found'; }
tries=100 until_true found && echo found
kill $server; wait $server; echo "=> $?"; cat err`;
    const { status, stdout, stderr } = onNetwork(script);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Pulled 2/2 refs successfully.\norigin:app\nsecond:app\nfound\n=> 0\nannounced as');
  });
});
