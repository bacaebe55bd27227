import { acapyPython } from './acapy/environment.js'
import { credoPackages } from './credo/environment.js'

// Makes the environments that test/interop.test.ts needs, in the cache folder of the user; one that cannot be had is no
// reason to do without the other.
for (const [name, install] of Object.entries({
  'ACA-Py': acapyPython,
  'Credo 0.5': async () => (await credoPackages()).folder,
})) {
  console.log(`Installing ${name}, which takes a minute or more …`)
  try {
    console.log(`It is there: ${await install()}`)
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  }
}
