import type { baseTypes, fcosConfigFields, fcosTypes, openshiftConfigFields, openshiftTypes } from './types-table.ts';
import type { versions } from './versions-table.ts';

// The type of a config, worked out by the compiler from the same tables that the translator reads.

/** Versions from 0 up to each. */
interface UpTo {
  readonly 0: '0';
  readonly 1: '0' | '1';
  readonly 2: '0' | '1' | '2';
  readonly 3: '0' | '1' | '2' | '3';
  readonly 4: '0' | '1' | '2' | '3' | '4';
  readonly 5: '0' | '1' | '2' | '3' | '4' | '5';
  readonly 6: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  readonly 7: '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7';
  readonly 8: '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8';
}
type Layer = keyof UpTo;

type Form<Row extends string> = Row extends `${infer First} | ${infer Rest}` ? First | Form<Rest> : Row;
type Unmarked<Row extends string> = Row extends `${infer Name} ~` ? Name : Row;
/** `V <= Last`, where `Last` is a number as text. */
type Reaches<Last extends string, V extends Layer> = Last extends `${infer N extends Layer}`
  ? `${V}` extends UpTo[N]
    ? true
    : false
  : true;
/** The type of a row's form in version `V`, never when it has none there. */
type InForce<One extends string, V extends Layer> = One extends `${infer Name} @${infer From}..${infer Last}`
  ? From extends UpTo[V]
    ? Reaches<Last, V> extends true
      ? Name
      : never
    : never
  : One extends `${infer Name} @${infer From}`
    ? From extends UpTo[V]
      ? Name
      : never
    : One;
type Present<Row extends string, V extends Layer> = InForce<Unmarked<Form<Row>>, V>;

/** Versions of the layers that a spec is made of. */
interface Layers {
  readonly base: Layer;
  readonly fcos?: Layer;
}
type FcosLayer<L extends Layers> = L extends { readonly fcos: infer F extends Layer } ? F : never;

type Struct<Rows, V extends Layer, L extends Layers> = {
  readonly [Key in keyof Rows as Present<Rows[Key] & string, V> extends never ? never : Key]?:
    | Field<Present<Rows[Key] & string, V>, L>
    | undefined;
};
type Field<Name extends string, L extends Layers> = Name extends `[]${infer Item}`
  ? readonly ItemType<Item, L>[]
  : Name extends `*${infer Item}`
    ? ItemType<Item, L>
    : ItemType<Name, L>;
type ItemType<Name extends string, L extends Layers> = Name extends 'string'
  ? string
  : Name extends 'int'
    ? number
    : Name extends 'bool'
      ? boolean
      : Name extends 'map[string]string'
        ? Readonly<Record<string, string>>
        : Name extends 'HTTPHeaders'
          ? readonly ItemType<'HTTPHeader', L>[]
          : Name extends keyof typeof baseTypes
            ? Struct<(typeof baseTypes)[Name], L['base'], L>
            : Name extends keyof typeof fcosTypes
              ? Struct<(typeof fcosTypes)[Name], FcosLayer<L>, L>
              : Name extends keyof typeof openshiftTypes
                ? Struct<(typeof openshiftTypes)[Name], 0, L>
                : string;

type Versions = typeof versions;
export type VersionOf<V extends keyof Versions> = keyof Versions[V] & string;
type Body<L extends Layers> = Omit<Struct<(typeof baseTypes)['Config'], L['base'], L>, 'variant' | 'version'> &
  (L extends { readonly fcos: Layer } ? Struct<typeof fcosConfigFields, FcosLayer<L>, L> : unknown) &
  (L extends { readonly openshift: number } ? Struct<typeof openshiftConfigFields, 0, L> : unknown);

/** A config of a variant and version: what the translator would ignore or refuse as a key is a type error. */
export type ButaneConfig<V extends keyof Versions = keyof Versions, W extends VersionOf<V> = VersionOf<V>> = {
  [Variant in V]: {
    [Version in W]: {
      readonly variant: Variant;
      readonly version: Version;
    } & (Version extends keyof Versions[Variant]
      ? Versions[Variant][Version] extends infer L extends Layers
        ? Body<L>
        : never
      : never);
  }[W];
}[V];
