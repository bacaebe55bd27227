/** What keeps a command from its work, told to whoever runs it: one line that says what to do. */
export class Problem extends Error {
  override readonly name = 'Problem'
}
