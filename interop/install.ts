import { acapyPython } from './acapy/environment.js'

// Makes the environment that test/interop.test.ts needs, in the cache folder of the user.
console.log('Installing ACA-Py, which takes some minutes …')
console.log(`It is there: ${await acapyPython()}`)
