/** Who is at the other end, by address: what limits for those without a key are counted by. */
import { isPublic } from './egress.ts'

/**
 * Behind a proxy, whose own address is no public one, what the proxy says; else the peer itself, whose
 * headers anybody could have written. `header` gives a header of the request by its name.
 * https://docs.railway.com/networking/public-networking/specs-and-limits
 */
export function addressBehind(
  peer: string,
  header: (name: 'x-real-ip' | 'x-forwarded-for') => string | undefined,
): string {
  if (isPublic(peer)) return subscriber(peer)
  // of a list the last one is what the proxy itself has seen
  const seen = header('x-real-ip') ?? header('x-forwarded-for')?.split(',').at(-1)
  return subscriber(seen?.trim() || peer)
}

/** Of IPv6 the first 64 bits, because that is what one subscriber is given. */
export function subscriber(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return plain.includes(':') ? `${network(plain)}::/64` : plain
}

/** Groups left out by `::` are zeros. */
function network(ipv6: string): string {
  const [head = '', tail = ''] = ipv6.toLowerCase().split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail.split(':').filter(Boolean)
  const zeros = ipv6.includes('::') ? Math.max(0, 8 - before.length - after.length) : 0
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
