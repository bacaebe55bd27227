import type { Key } from '@openwallet-foundation/askar-shared'

const forms = new WeakMap<Key, Key>()

/** Another form of a key of a wallet, made once, which lives as long as the key's own handle. */
export function formOf(key: Key, make: (key: Key) => Key): Key {
  const known = forms.get(key)
  if (known) return known
  const form = make(key)
  forms.set(key, form)
  return form
}

/** Gives back the native memory of a key, with that of its form. */
export function freeKey(key: Key): void {
  forms.get(key)?.handle.free()
  forms.delete(key)
  key.handle.free()
}
