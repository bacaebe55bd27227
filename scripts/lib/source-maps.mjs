// `node --import`: traces name lines of our sources. Maps of packages, thousands, are not read.
import module from 'node:module'

if (module.setSourceMapsSupport) module.setSourceMapsSupport(true, { nodeModules: false })
else process.setSourceMapsEnabled(true)
