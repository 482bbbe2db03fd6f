// A config as a typed object: a key that this variant and version lacks does not compile.
//   node --conditions=source examples/typed-config.ts > config.bu
import { buildConfig } from '@coppice/butane';

const hosts = ['a', 'b', 'c'];

process.stdout.write(
  buildConfig({
    variant: 'fcos',
    version: '1.6.0',
    passwd: { users: [{ name: 'core', ssh_authorized_keys: ['ssh-ed25519 AAAA you@example.com'] }] },
    storage: {
      files: [
        {
          path: '/etc/hosts',
          mode: 0o644,
          overwrite: true,
          contents: {
            inline: ['127.0.0.1 localhost', ...hosts.map((host, i) => `10.0.0.${i + 1} ${host}`), ''].join('\n'),
          },
        },
      ],
    },
  }),
);
