// Scripts of Debian's ostree-tests that do not run here, each with its reason. A script that skips by itself for the
// original too is not listed: the run shows it.

const library = 'calls libostree or its internal functions from C or JavaScript, no command to stand in for';

export const skipTable: Readonly<Record<string, string>> = {
  'test-core.js': library,
  'test-sizes.js': library,
  'test-sysroot.js': library,
  'test-remotes-config-dir.js': library,
  'test-switchroot.sh': 'tests a C program in a mount namespace',
  'test-repo-finder-mount-integration.sh': 'needs sudo and loop devices',
};
