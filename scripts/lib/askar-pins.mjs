/** The release of Askar that the gateway is tested with; the JavaScript wrapper 0.4.3 asks for the same. */
export const askarVersion = '0.4.6'

/**
 * Where the native library of each platform is inside the wheel of PyPI's `aries-askar`, with the SHA-256 of the
 * wheel and of the library in it. Keys are `process.platform`-`process.arch`.
 */
export const askarPins = {
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
}
