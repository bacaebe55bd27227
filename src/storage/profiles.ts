import { Profile } from './profile.js'
import { BASE_PROFILE, type WalletStore } from './store.js'

/** The profiles of a store, one object each: a profile's units of work take their turns on it. */
export class Profiles {
  private readonly profiles = new Map<string, Profile>()
  readonly base: Profile

  constructor(private readonly store: WalletStore) {
    this.base = this.of(BASE_PROFILE)
  }

  of(name: string): Profile {
    let profile = this.profiles.get(name)
    if (!profile) {
      profile = new Profile(this.store, name)
      this.profiles.set(name, profile)
    }
    return profile
  }

  create(name: string): Promise<string> {
    return this.store.createProfile(name)
  }

  /** Removes a profile with all that lies in it; nothing may be in work on it. */
  async remove(name: string): Promise<void> {
    this.profiles.get(name)?.close()
    this.profiles.delete(name)
    await this.store.removeProfile(name)
  }
}
