/**
 * A failure that the person at the keyboard can mend: its message says what is wrong and what to do,
 * and is shown without a stack. Anything else that is thrown is a fault of ours.
 */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}

/** What was thrown, in words. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
