/** What Redis answers when a write carries the token of a term that is over. */

export function isFenced(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('FENCED')
}
