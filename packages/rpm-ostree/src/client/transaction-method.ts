// The D-Bus method that the original's client calls for a command, as status and refusals name it.
const methods: Readonly<Record<string, string>> = {
  'apply-live': 'LiveFs',
  automatic: 'AutomaticUpdateTrigger',
  cleanup: 'Cleanup',
  deploy: 'Deploy',
  'finalize-deployment': 'FinalizeDeployment',
  initramfs: 'SetInitramfsState',
  'initramfs-etc': 'InitramfsEtc',
  install: 'PkgChange',
  kargs: 'KernelArgs',
  rebase: 'Rebase',
  'refresh-md': 'RefreshMd',
  rollback: 'Rollback',
  uninstall: 'PkgChange',
  upgrade: 'Upgrade',
};

/** For the title of a transaction, which starts with the command's name. */
export function transactionMethod(title: string): string {
  const [verb = ''] = title.split(' ');
  return (Object.hasOwn(methods, verb) ? methods[verb] : undefined) ?? 'UpdateDeployment';
}
