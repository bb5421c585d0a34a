/** How a Redis says that it is full (`maxmemory`): it answers and reads, and takes no write. */

/** So do scripts that it stops at their first write, whose words older versions put first. */
export function saysFull(message: string): boolean {
  return /^(OOM|ERR.*OOM) /.test(message)
}
