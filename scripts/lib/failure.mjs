/** A step that could not be done, with what the reader can do about it. Printed without a stack. */
export class Failure extends Error {
  /**
   * @param {string} message what could not be done, and why
   * @param {string} [remedy] what to do about it
   */
  constructor(message, remedy) {
    super(remedy ? `${message}\n  → ${remedy}` : message)
    this.name = 'Failure'
  }
}

/**
 * Runs a script's main function; a failure ends the process with code 1 and its message.
 * @param {string} name the script's name, before the message
 * @param {() => Promise<void>} main
 */
export async function runMain(name, main) {
  try {
    await main()
  } catch (error) {
    console.error(`\n${name}: ${error instanceof Failure ? error.message : (error?.stack ?? error)}`)
    process.exitCode = 1
  }
}
