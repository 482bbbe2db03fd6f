// Programs of a deployment that is not running: bubblewrap makes its /usr, /etc and /var the root.

const bindArguments = [
  ...['--dev', '/dev', '--proc', '/proc', '--dir', '/run', '--dir', '/tmp', '--chdir', '/'],
  ...['--die-with-parent', '--unshare-pid', '--unshare-uts', '--unshare-ipc', '--unshare-cgroup-try'],
  ...['/sys/block', '/sys/bus', '/sys/class', '/sys/dev', '/sys/devices'].flatMap((path) => ['--ro-bind', path, path]),
  ...['--bind', 'usr', '/usr', '--bind', 'etc', '/etc', '--bind', 'var', '/var'],
  ...['lib', 'lib32', 'lib64', 'bin', 'sbin'].flatMap((name) => ['--symlink', `/usr/${name}`, `/${name}`]),
];

/** The command line that runs `argv` in the deployment that is the working directory, with further options of bwrap. */
export function inDeploymentRoot(
  argv: readonly string[],
  options: readonly string[] = [],
): readonly [string, ...string[]] {
  return ['/usr/bin/bwrap', ...bindArguments, ...options, '--', ...argv];
}
