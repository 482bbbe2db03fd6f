// How many bytes of user data the providers take, as their documents say.
export const userDataLimits: Readonly<Record<string, number>> = {
  aws: 16_384,
  azure: 65_535,
  digitalocean: 65_536,
  exoscale: 32_768,
  gcp: 262_144,
  hetzner: 32_768,
  openstack: 65_535,
};
