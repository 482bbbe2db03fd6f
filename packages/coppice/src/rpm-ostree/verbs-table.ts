// The verbs of rpm-ostree: name, the line in --help, and the file that holds the verb.
import type { Verb } from './verb.ts';

export interface VerbRow {
  readonly summary: string;
  readonly hidden?: boolean;
  readonly load: () => Promise<{ readonly verb: Verb }>;
}

export type Verbs = Readonly<Record<string, VerbRow>>;
export interface VerbGroup {
  readonly summary: string;
  readonly hidden?: boolean;
  readonly subverbs: Verbs;
}

const applyLive = () => import('./apply-live.ts');
const install = () => import('./install.ts');
const uninstall = () => import('./uninstall.ts');
const upgrade = () => import('./upgrade.ts');

const db: VerbGroup = {
  summary: 'Commands to query the RPM database',
  subverbs: {
    diff: { summary: 'Show package changes between two commits', load: () => import('./db-diff.ts') },
    list: { summary: 'List packages within commits', load: () => import('./db-list.ts') },
    version: { summary: 'Show rpmdb version of packages within the commits', load: () => import('./db-version.ts') },
  },
};

const override: VerbGroup = {
  summary: 'Manage base package overrides',
  subverbs: {
    replace: { summary: 'Replace packages in the base layer', load: () => import('./override-replace.ts') },
    remove: { summary: 'Remove packages from the base layer', load: () => import('./override-remove.ts') },
    reset: { summary: 'Reset currently active package overrides', load: () => import('./override-reset.ts') },
  },
};

const compose: VerbGroup = {
  summary: 'Commands to compose a tree',
  subverbs: {
    tree: {
      summary: 'Process a "treefile"; install packages and commit the result to an OSTree repository',
      load: () => import('./compose-tree.ts'),
    },
    'container-encapsulate': {
      summary: 'Generate a reproducible "chunked" container image (using RPM data) from an OSTree commit',
      load: () => import('./compose-container-encapsulate.ts'),
    },
    'build-chunked-oci': {
      summary: 'Generate a "chunked" OCI image from a root file system',
      load: () => import('./compose-build-chunked-oci.ts'),
    },
    extensions: {
      summary: 'Download RPM packages guaranteed to depsolve with a base OSTree',
      load: () => import('./compose-extensions.ts'),
    },
    image: {
      summary: 'Generate a "chunked" OCI image from an input manifest',
      load: () => import('./compose-image.ts'),
    },
    install: { summary: 'Install packages into a target path', load: () => import('./compose-install.ts') },
    postprocess: {
      summary: 'Perform final postprocessing on an installation root',
      load: () => import('./compose-postprocess.ts'),
    },
    commit: {
      summary: 'Commit a target path to an OSTree repository',
      load: () => import('./compose-commit.ts'),
    },
    rootfs: { summary: 'Generate a filesystem tree from an input manifest', load: () => import('./compose-rootfs.ts') },
    'commit-to-container-rootfs': {
      summary: 'Unpack an OSTree commit to a target root in ostree-container layout',
      hidden: true,
      load: () => import('./compose-commit-to-container-rootfs.ts'),
    },
  },
};

const ex: VerbGroup = {
  summary: 'Experimental commands that may change or be removed in the future',
  hidden: true,
  subverbs: {
    'apply-live': { summary: 'Apply pending deployment changes to booted deployment', load: applyLive },
    history: { summary: 'Inspect rpm-ostree history of the system', load: () => import('./history.ts') },
    'initramfs-etc': {
      summary: 'Track initramfs configuration files',
      load: async () => ({ verb: (await import('./initramfs-etc.ts')).formerVerb }),
    },
    'deploy-from-self': {
      summary: 'Deploy the commit of this container image to a system',
      hidden: true,
      load: () => import('./deploy-from-self.ts'),
    },
    rebuild: {
      summary: 'Rebuild the container image to the state of its treefiles',
      hidden: true,
      load: () => import('./rebuild.ts'),
    },
    livefs: { summary: 'Apply pending deployment changes to booted deployment', hidden: true, load: applyLive },
  },
};

const refreshMd = () => import('./refresh-md.ts');
const usroverlay = () => import('./usroverlay.ts');

export const verbs: Readonly<Record<string, VerbRow | VerbGroup>> = {
  'apply-live': { summary: 'Apply pending deployment changes to booted deployment', load: applyLive },
  cancel: { summary: 'Cancel an active transaction', load: () => import('./cancel.ts') },
  cleanup: { summary: 'Clear cached/pending data', load: () => import('./cleanup.ts') },
  compose,
  db,
  deploy: { summary: 'Deploy a specific commit', load: () => import('./deploy.ts') },
  'finalize-deployment': {
    summary: 'Unset the finalization locking state of the staged deployment and reboot',
    load: () => import('./finalize-deployment.ts'),
  },
  initramfs: { summary: 'Enable or disable local initramfs regeneration', load: () => import('./initramfs.ts') },
  'initramfs-etc': { summary: 'Add files to the initramfs', load: () => import('./initramfs-etc.ts') },
  install: { summary: 'Overlay additional packages', load: install },
  kargs: { summary: 'Query or modify kernel arguments', load: () => import('./kargs.ts') },
  override,
  rebase: { summary: 'Switch to a different tree', load: () => import('./rebase.ts') },
  'refresh-md': { summary: 'Generate rpm repo metadata', load: refreshMd },
  reload: { summary: 'Reload configuration', load: () => import('./reload.ts') },
  reset: { summary: 'Remove all mutations', load: () => import('./reset.ts') },
  rollback: { summary: 'Revert to the previously booted tree', load: () => import('./rollback.ts') },
  search: { summary: 'Search for packages', load: () => import('./search.ts') },
  status: { summary: 'Get the version of the booted system', load: () => import('./status.ts') },
  uninstall: { summary: 'Remove overlayed additional packages', load: uninstall },
  upgrade: { summary: 'Perform a system upgrade', load: upgrade },
  usroverlay: { summary: 'Apply a transient overlayfs to /usr', load: usroverlay },

  countme: { summary: 'Report base system to count me statistics', hidden: true, load: () => import('./countme.ts') },
  'kernel-install': {
    summary: 'Integration with systemd kernel-install',
    hidden: true,
    load: () => import('./kernel-install.ts'),
  },
  update: { summary: 'Alias for upgrade', hidden: true, load: upgrade },
  ex,
  makecache: { summary: '', hidden: true, load: refreshMd },
  'pkg-add': { summary: '', hidden: true, load: install },
  'pkg-remove': { summary: '', hidden: true, load: uninstall },
  remove: { summary: '', hidden: true, load: uninstall },
  rpm: { ...db, hidden: true },
  unlock: { summary: '', hidden: true, load: usroverlay },
};
