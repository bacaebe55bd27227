/** What decorators have said so far, which class-transformer has no other way to ask for. */
declare module 'class-transformer/cjs/storage.js' {
  interface Decorator {
    options?: { name?: string }
  }
  /** By class, then by property; `undefined` stands for the class itself. */
  type Decorators = Map<object, Map<string | undefined, Decorator | Decorator[]>>
  type Lookup = (target: object | undefined, ...how: (string | number)[]) => unknown
  export const defaultMetadataStorage: {
    _typeMetadatas: Decorators
    _transformMetadatas: Decorators
    _exposeMetadatas: Decorators
    _excludeMetadatas: Decorators
    findTypeMetadata: Lookup
    findTransformMetadatas: Lookup
    findExposeMetadata: Lookup
    findExposeMetadataByCustomName: Lookup
    getExposedProperties: Lookup
    getExcludedProperties: Lookup
  }
}
