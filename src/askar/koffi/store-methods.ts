import type { Askar } from '@openwallet-foundation/askar-shared'
import { shared } from '../shared.js'
import type { Start } from './completions.js'
import { bytes, flag, text } from './marshal.js'
import type { Native } from './native.js'
import { takeText } from './native-library.js'
import { takeStringList } from './string-list.js'

type StoreMethods = Pick<
  Askar,
  | 'storeGenerateRawKey'
  | 'storeProvision'
  | 'storeOpen'
  | 'storeClose'
  | 'storeRemove'
  | 'storeRekey'
  | 'storeCopyTo'
  | 'storeCreateProfile'
  | 'storeGetDefaultProfile'
  | 'storeSetDefaultProfile'
  | 'storeGetProfileName'
  | 'storeListProfiles'
  | 'storeRenameProfile'
  | 'storeCopyProfile'
  | 'storeRemoveProfile'
  | 'migrateIndySdk'
>

/** Stores and their profiles. */
export function storeMethods(native: Native): StoreMethods {
  const { functions, results, completions } = native

  const completeText = async (start: Start): Promise<string> =>
    shared.handleInvalidNullResponse(takeText(functions, await completions.pointer(start)))
  const close = (handle: number) => completions.nothing((cb, id) => functions.askar_store_close(handle, cb, id))

  return {
    storeGenerateRawKey: ({ seed }) => results.text((out) => functions.askar_store_generate_raw_key(bytes(seed), out)),

    storeProvision: async ({ specUri, keyMethod, passKey, profile, recreate }) =>
      new shared.StoreHandle(
        await completions.handle((cb, id) =>
          functions.askar_store_provision(
            text(specUri),
            text(keyMethod),
            text(passKey),
            text(profile),
            flag(recreate),
            cb,
            id,
          ),
        ),
      ),
    storeOpen: async ({ specUri, keyMethod, passKey, profile }) =>
      new shared.StoreHandle(
        await completions.handle((cb, id) =>
          functions.askar_store_open(text(specUri), text(keyMethod), text(passKey), text(profile), cb, id),
        ),
      ),
    storeClose: ({ storeHandle }) => close(storeHandle.handle),
    storeRemove: ({ specUri }) => completions.int8((cb, id) => functions.askar_store_remove(text(specUri), cb, id)),
    storeRekey: ({ storeHandle, keyMethod, passKey }) =>
      completions.nothing((cb, id) =>
        functions.askar_store_rekey(storeHandle.handle, text(keyMethod), text(passKey), cb, id),
      ),

    /** The library gives the copy opened, but the interface has no place for it: it is closed again. */
    async storeCopyTo({ storeHandle, targetUri, keyMethod, passKey, recreate }) {
      const copy = await completions.handle((cb, id) =>
        functions.askar_store_copy(
          storeHandle.handle,
          text(targetUri),
          text(keyMethod),
          text(passKey),
          flag(recreate),
          cb,
          id,
        ),
      )
      await close(copy)
    },

    storeCreateProfile: ({ storeHandle, profile }) =>
      completeText((cb, id) => functions.askar_store_create_profile(storeHandle.handle, text(profile), cb, id)),
    storeGetDefaultProfile: ({ storeHandle }) =>
      completeText((cb, id) => functions.askar_store_get_default_profile(storeHandle.handle, cb, id)),
    storeGetProfileName: ({ storeHandle }) =>
      completeText((cb, id) => functions.askar_store_get_profile_name(storeHandle.handle, cb, id)),
    storeSetDefaultProfile: ({ storeHandle, profile }) =>
      completions.nothing((cb, id) =>
        functions.askar_store_set_default_profile(storeHandle.handle, text(profile), cb, id),
      ),
    storeListProfiles: async ({ storeHandle }) => {
      const list = await completions.pointer((cb, id) =>
        functions.askar_store_list_profiles(storeHandle.handle, cb, id),
      )
      return takeStringList(native, shared.handleInvalidNullResponse(list))
    },
    storeRenameProfile: ({ storeHandle, fromProfile, toProfile }) =>
      completions.int8((cb, id) =>
        functions.askar_store_rename_profile(storeHandle.handle, text(fromProfile), text(toProfile), cb, id),
      ),
    /** The library tells only success, which is 1, as for renaming. */
    async storeCopyProfile({ fromHandle, toHandle, fromProfile, toProfile }) {
      await completions.nothing((cb, id) =>
        functions.askar_store_copy_profile(
          fromHandle.handle,
          toHandle.handle,
          text(fromProfile),
          text(toProfile),
          cb,
          id,
        ),
      )
      return 1
    },
    storeRemoveProfile: ({ storeHandle, profile }) =>
      completions.int8((cb, id) => functions.askar_store_remove_profile(storeHandle.handle, text(profile), cb, id)),

    migrateIndySdk: ({ specUri, walletName, walletKey, kdfLevel }) =>
      completions.nothing((cb, id) =>
        functions.askar_migrate_indy_sdk(text(specUri), text(walletName), text(walletKey), text(kdfLevel), cb, id),
      ),
  }
}
