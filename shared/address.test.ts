import { describe, expect, it } from 'vitest'
import { addressBehind, subscriber } from './address.ts'

describe('subscriber', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001::6', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, of) => expect(subscriber(address)).toBe(of))
})

describe('the address behind', () => {
  const behind = (peer: string, headers: Record<string, string>) =>
    addressBehind(peer, (name) => headers[name])

  it('a proxy is what the proxy has seen itself', () => {
    for (const peer of ['10.1.2.3', '::ffff:100.64.0.9', 'fd12::7']) {
      expect(behind(peer, { 'x-real-ip': '8.8.8.8' })).toBe('8.8.8.8')
      expect(behind(peer, { 'x-forwarded-for': '1.1.1.1, 8.8.4.4' })).toBe('8.8.4.4')
    }
    expect(behind('10.1.2.3', {})).toBe('10.1.2.3')
  })

  it('a public peer is the peer, whatever it says of itself', () => {
    expect(behind('8.8.8.8', { 'x-real-ip': '1.1.1.1', 'x-forwarded-for': '1.0.0.1' })).toBe(
      '8.8.8.8',
    )
    expect(behind('::ffff:8.8.8.8', { 'x-real-ip': '1.1.1.1' })).toBe('8.8.8.8')
  })
})
