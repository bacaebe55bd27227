/** A wrong setting. Its message is one line that names the variable and never repeats a secret's value. */
export class ConfigError extends Error {
  /** Name of the variable, or of the config file's key. */
  readonly variable: string

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`.replaceAll(/\s+/g, ' '))
    this.name = 'ConfigError'
    this.variable = variable
  }
}
