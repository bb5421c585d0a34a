import { describe, expect, it } from 'vitest'
import { isLoopback, isPublic, urlProblem } from './egress.ts'

const production = { allow_local: false }
const development = { allow_local: true }

describe('urlProblem', () => {
  it.each([
    'https://example.com/hooks',
    'https://example.com:443/hooks',
    'https://example.com:8443/hooks?token=1#part',
    'https://hooks.slack.com/services/T0/B0/x',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://bücher.example/',
    'https://example.com./',
  ])('has nothing against %s', (url) => {
    expect(urlProblem(url, production)).toBeNull()
    expect(urlProblem(url, development)).toBeNull()
  })

  it.each([
    ['', 'an absolute URL'],
    ['/hooks', 'an absolute URL'],
    ['http://example.com', 'https://'],
    ['ws://example.com', 'https://'],
    ['https://example.com:80', 'port 443 or 8443'],
    ['https://u@example.com', 'without a user name'],
    ['https://:p@example.com', 'without a user name'],
    [`https://example.com/${'x'.repeat(2_048)}`, 'at most 2048 characters'],
    ['https://127.0.0.1', 'an address of the public internet'],
    ['https://0x7f.1', 'an address of the public internet'],
    ['https://2130706433', 'an address of the public internet'],
    ['https://[::ffff:7f00:1]', 'an address of the public internet'],
    ['https://[2002:7f00:1::]', 'an address of the public internet'],
    ['https://localhost', 'a host of the public internet'],
    ['https://localhost.', 'a host of the public internet'],
    ['https://redis.railway.internal', 'a host of the public internet'],
    ['https://worker', 'a host of the public internet'],
  ])('tells what is wrong with %s', (url, expected) => {
    expect(urlProblem(url, production)).toContain(expected)
  })

  it('lets this machine through in development, and nothing else that is private', () => {
    for (const url of ['http://127.0.0.1:3000', 'http://localhost:1', 'https://[::1]:9/']) {
      expect(urlProblem(url, development)).toBeNull()
    }
    for (const url of ['http://10.0.0.1', 'http://[fd00::1]', 'http://a.railway.internal']) {
      expect(urlProblem(url, development)).not.toBeNull()
    }
  })
})

describe('isPublic', () => {
  it.each([
    ['1.1.1.1', true],
    ['93.184.216.34', true],
    ['2606:4700:4700::1111', true],
    ['::ffff:8.8.8.8', true],
    ['127.0.0.1', false],
    ['0.0.0.0', false],
    ['10.255.255.255', false],
    ['100.64.0.1', false],
    ['100.127.255.255', false],
    ['169.254.169.254', false],
    ['172.16.0.1', false],
    ['192.0.0.1', false],
    ['192.168.0.1', false],
    ['198.19.255.255', false],
    ['203.0.113.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::', false],
    ['::1', false],
    ['::127.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['64:ff9b:1::1', false],
    ['2001::1', false],
    ['2001:db8::1', false],
    ['2002:7f00:1::', false],
    ['fc00::1', false],
    ['fe80::1', false],
    ['ff02::1', false],
    ['4000::1', false],
    ['example.com', false],
    ['', false],
  ])('%s: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected)
  })
})

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.255.255.255', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['0.0.0.0', false],
    ['localhost', false],
  ])('%s: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected)
  })
})
