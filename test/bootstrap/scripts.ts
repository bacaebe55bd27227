/** A module of `scripts/`, which is plain JavaScript and runs as it is, seen from `dist/test/bootstrap`. */
export const script = (name: string) => import(new URL(`../../../scripts/lib/${name}.mjs`, import.meta.url).href)
