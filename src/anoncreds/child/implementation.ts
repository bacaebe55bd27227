import type { Objects } from '../koffi/objects.js'

/** What does a call: it gets, before the arguments, the objects that live as long as it. */
export type Implementation<Interface> = {
  [Name in keyof Interface]: Interface[Name] extends (args: infer Args) => infer Result
    ? (objects: Objects, args: Args) => Result
    : never
}
