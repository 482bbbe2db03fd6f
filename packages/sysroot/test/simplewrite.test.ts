import { Deployment, mergeDeploymentFor, Origin, pendingAndRollback, simpleDeploymentList } from '@coppice/sysroot';
import { describe, expect, it } from 'vitest';

const make = (name: string, osname = 'os', pinned = false): Deployment => {
  const deployment = new Deployment({ osname, checksum: name, deploySerial: 0 });
  deployment.origin = new Origin();
  deployment.origin.pinned = pinned;
  return deployment;
};

const names = (list: readonly Deployment[]): string => list.map((d) => d.checksum).join(' ');

describe('the list after a deployment', () => {
  const [p, b, r, o] = [make('pending'), make('booted'), make('rollback'), make('other', 'two')];
  const old = [p, b, r, o];
  const fresh = make('new');
  const list = (
    flags: Parameters<typeof simpleDeploymentList>[3],
    booted: Deployment | undefined = b,
    merge = b,
  ): string => names(simpleDeploymentList(old, fresh, { osname: 'os', booted, merge }, flags));

  it('keeps the booted one and other stateroots', () => {
    expect(list({})).toBe('new booted other');
    expect(list({ retain: true })).toBe('new pending booted rollback other');
    expect(list({ retainPending: true })).toBe('new pending booted other');
    expect(list({ retainRollback: true })).toBe('new booted rollback other');
    expect(list({ notAsDefault: true })).toBe('booted new other');
  });

  it('goes by the merge deployment when nothing is booted', () => {
    expect(names(simpleDeploymentList(old, fresh, { osname: 'os', merge: p }, {}))).toBe('new pending other');
    expect(names(simpleDeploymentList(old, fresh, { osname: 'os' }, {}))).toBe('new other');
    expect(names(simpleDeploymentList(old, fresh, { osname: 'os' }, { retainPending: true }))).toBe(
      'new pending booted rollback other',
    );
    expect(names(simpleDeploymentList(old, fresh, { osname: 'three' }, { notAsDefault: true }))).toBe(
      'pending booted rollback other new',
    );
  });

  it('keeps pinned ones', () => {
    expect(names(simpleDeploymentList([make('kept', 'os', true), b], fresh, { osname: 'os', booted: b }, {}))).toBe(
      'new kept booted',
    );
  });

  it('knows pending and rollback around the booted one', () => {
    expect(pendingAndRollback(old, 'os', b)).toEqual({ pending: p, rollback: r });
    expect(pendingAndRollback(old, 'two', b)).toEqual({ pending: o, rollback: undefined });
    expect(mergeDeploymentFor(old, 'os', b)).toBe(b);
    expect(mergeDeploymentFor(old, 'two', b)).toBe(o);
    expect(mergeDeploymentFor(old, 'os', undefined)).toBe(p);
  });
});
