/**
 * The native libraries that the gateway is tested with, as the JavaScript wrappers ask for them. Each is inside a wheel
 * of PyPI: `builds` says for `process.platform`-`process.arch` where, with the SHA-256 of the wheel and of the library
 * in it. `variable` names the folder of a library of one's own; `wrapper` is the package whose install script fetches a
 * release of it, if there is one.
 */
export const askar = {
  name: 'Askar',
  version: '0.4.6',
  distribution: 'aries-askar',
  variable: 'LIB_ASKAR_PATH',
  wrapper: '@openwallet-foundation/askar-nodejs',
  source: 'github.com/openwallet-foundation/askar',
  builds: {
    'linux-x64': {
      tag: 'manylinux2014_x86_64',
      wheel: '86785548e24765a102f68b7d6655b87ad4c13e903a36ee679ba68617bfcd3cfb',
      library: 'libaries_askar.so',
      librarySum: 'ad016f4d40c953e683e5d84799304b3b79b61104a21c918dbd3b409a4b4c1c96',
    },
    'linux-arm64': {
      tag: 'manylinux2014_aarch64',
      wheel: '3907aef5aeebf5613e4392612e84bc01d8bde3a4d5eddf5ab047872f35a65517',
      library: 'libaries_askar.so',
      librarySum: '12e666e7bb54970c7c08e11ea3e9db7951071964f3c8f8cc182a3c1c6b3c9b24',
    },
    'darwin-x64': {
      tag: 'macosx_10_9_universal2',
      wheel: '566ee50a1e47f8df94512a6c83c022946912e31a020dbd3355a50d1f616f6006',
      library: 'libaries_askar.dylib',
      librarySum: '7ba4ede001c7af2aac7248365c053fffa39e3aaa0d0de5c31ebe14920451cf15',
    },
    'darwin-arm64': {
      tag: 'macosx_10_9_universal2',
      wheel: '566ee50a1e47f8df94512a6c83c022946912e31a020dbd3355a50d1f616f6006',
      library: 'libaries_askar.dylib',
      librarySum: '7ba4ede001c7af2aac7248365c053fffa39e3aaa0d0de5c31ebe14920451cf15',
    },
    'win32-x64': {
      tag: 'win_amd64',
      wheel: '55e406e0bb7537aec4808e1498b6be58491d71e20a0717ed51466e9b073b8fb9',
      library: 'aries_askar.dll',
      librarySum: '5d78e78633c2193766bcf291af9e9daf8858f36ef60e3f98475584dee00db5cc',
    },
  },
}

export const anoncreds = {
  name: 'AnonCreds',
  version: '0.2.3',
  distribution: 'anoncreds',
  variable: 'LIB_ANONCREDS_PATH',
  wrapper: '@hyperledger/anoncreds-nodejs',
  source: 'github.com/hyperledger/anoncreds-rs',
  builds: {
    'linux-x64': {
      tag: 'manylinux2014_x86_64',
      wheel: '5fe3172d37a88640a0af65e16a1f6da74f9dbac9d962e77b288dcacbb1c10cfc',
      library: 'libanoncreds.so',
      librarySum: '2bac97956e80a33bead082c2001893384142c215fe0b612f84dbb19bdc888806',
    },
    'linux-arm64': {
      tag: 'manylinux2014_aarch64',
      wheel: '079040da7346fcdd4e70e7103a5644692460c4e88d1d845f6918f9a3e0a6c475',
      library: 'libanoncreds.so',
      librarySum: '5c2e742e54d513ebea092109a99b63c674fdd7edcf2b69df5a0b37cd68039398',
    },
    'darwin-x64': {
      tag: 'macosx_10_9_universal2',
      wheel: '9bc5d6f4404f611e8ad74801fcf1aa05bf4307831edf18bfd9438d811df053fc',
      library: 'libanoncreds.dylib',
      librarySum: '4b09202c51e9e05c36fb9ed3ac5432dda872db59731a8e1ae48133d3113a3ced',
    },
    'darwin-arm64': {
      tag: 'macosx_10_9_universal2',
      wheel: '9bc5d6f4404f611e8ad74801fcf1aa05bf4307831edf18bfd9438d811df053fc',
      library: 'libanoncreds.dylib',
      librarySum: '4b09202c51e9e05c36fb9ed3ac5432dda872db59731a8e1ae48133d3113a3ced',
    },
    'win32-x64': {
      tag: 'win_amd64',
      wheel: 'cd9c747eeff5dc3d975f99671f6e79b1d287c5fb625abf4dafadeaa69bdfc739',
      library: 'anoncreds.dll',
      librarySum: '943b9d8c18ff95c4b6d52de412edfce564f4822845b151d9a4f9c8fd0a704a54',
    },
  },
}

/** Only where Indy networks are configured. */
export const indyVdr = {
  name: 'Indy VDR',
  version: '0.4.2',
  distribution: 'indy-vdr',
  variable: 'LIB_INDY_VDR_PATH',
  source: 'github.com/hyperledger/indy-vdr',
  builds: {
    'linux-x64': {
      tag: 'manylinux2014_x86_64',
      wheel: 'b1390ee6cbf47967c565b16b7b672969ee54485dd16963ecdd451dc128aff7c1',
      library: 'libindy_vdr.so',
      librarySum: '24ca1f038f1fc6a3b5adcd639fa388f3badf96e49e62781d8f1355c8faee2b05',
    },
    'linux-arm64': {
      tag: 'manylinux2014_aarch64',
      wheel: '9dc8e16e8a0c4666c1a9f0a3e9967cb3dace92975b8dbb9b0aa2c7785ac5e12b',
      library: 'libindy_vdr.so',
      librarySum: 'eeaced10e0d32d29d865d95abd8b15c04621ccd683c5481447f819e9e280c643',
    },
    'darwin-x64': {
      tag: 'macosx_10_9_universal2',
      wheel: '21e4cc22bdb1de581e4abe00e2201d970f46e05d2420437fe023052614867553',
      library: 'libindy_vdr.dylib',
      librarySum: '020460ecc33461ac8abfa6035248307f9b0a2c7d2103d927ced2b9071e16f2fe',
    },
    'darwin-arm64': {
      tag: 'macosx_10_9_universal2',
      wheel: '21e4cc22bdb1de581e4abe00e2201d970f46e05d2420437fe023052614867553',
      library: 'libindy_vdr.dylib',
      librarySum: '020460ecc33461ac8abfa6035248307f9b0a2c7d2103d927ced2b9071e16f2fe',
    },
    'win32-x64': {
      tag: 'win_amd64',
      wheel: 'abb70e9dc46d59a6be1ac1a9b3530732c5dc8afe67f5aacba20bc7404c7d3317',
      library: 'indy_vdr.dll',
      librarySum: 'eb6ff4a6b5495c3d4283e67b8b9bbf5e14067d79386350c5ffaf9c698d00fddc',
    },
  },
}
