import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createClientOf, type ForwardedHeader } from '../../api/client-address.ts'
import { isAddressRange } from '../../api/ip-address.ts'
import { networkOf } from '../../model/index.ts'

const proxies = ['10.0.0.0/8', '127.0.0.1', '2001:db8:ffff::/48']

function clientOf(
  peer: string,
  headers: Readonly<Record<string, string>>,
  { trusted = proxies, header = 'x-forwarded-for' as ForwardedHeader, secure = false } = {},
) {
  return createClientOf(trusted, header)({ address: peer, secure }, (name) => headers[name])
}
const addressOf = (...given: Parameters<typeof clientOf>) => clientOf(...given).address

describe('the address of a client', () => {
  test('is that of its socket, whatever it claims, when that is no trusted proxy', () => {
    const claim = { 'x-forwarded-for': '1.1.1.1', forwarded: 'for=1.1.1.1', 'x-forwarded-proto': 'https' }
    expect(clientOf('203.0.113.9', claim)).toEqual({ address: '203.0.113.9', secure: false })
    expect(addressOf('10.0.0.1', claim, { trusted: [] })).toBe('10.0.0.1')
    expect(addressOf('2001:db8::1', claim)).toBe('2001:db8::1')
  })

  test.each([
    ['one proxy', '203.0.113.9', '203.0.113.9'],
    ['two proxies', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['what a stranger wrote before', '1.1.1.1, 10.9.9.9, 203.0.113.9', '203.0.113.9'],
    ['nothing but proxies', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['a port', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6 with brackets and a port', '[2001:DB8::0:1]:4711', '2001:db8::1'],
    ['IPv6 without', '2001:db8:0:0::1', '2001:db8::1'],
    ['IPv4 as IPv6', '::ffff:203.0.113.9', '203.0.113.9'],
    ['nonsense', 'localhost', '10.0.0.1'],
    ['nonsense behind a trusted one', 'evil, 10.0.0.7', '10.0.0.7'],
    ['nothing', '', '10.0.0.1'],
    ['a hole', '203.0.113.9,,10.0.0.2', '10.0.0.2'],
  ])('behind proxies, with %s', (_, header, address) => {
    expect(addressOf('10.0.0.1', { 'x-forwarded-for': header })).toBe(address)
  })

  test.each([
    ['one proxy', 'for=203.0.113.9;proto=https;by=10.0.0.1', '203.0.113.9', true],
    ['quoted IPv6', 'For="[2001:db8::9]:47011"', '2001:db8::9', false],
    ['two proxies, each with its scheme', 'for=203.0.113.9;proto=https, for=10.0.0.2;proto=http', '203.0.113.9', true],
    ['a name that hides', 'for=_hidden, for=10.0.0.2', '10.0.0.2', false],
    ['a quotation that a stranger began', 'for="1.1.1.1, for=203.0.113.9', '10.0.0.1', false],
    ['a quotation that swallows', 'for="x, for="203.0.113.9"', '10.0.0.1', false],
    ['no for', 'proto=https', '10.0.0.1', false],
  ])('by the header Forwarded, with %s', (_, forwarded, address, secure) => {
    const headers = { forwarded, 'x-forwarded-for': '1.1.1.1' }
    expect(clientOf('10.0.0.1', headers, { header: 'forwarded' })).toEqual({ address, secure })
  })

  test('comes from the one header that is set, and from no other', () => {
    expect(addressOf('10.0.0.1', { forwarded: 'for=1.1.1.1' })).toBe('10.0.0.1')
    expect(addressOf('10.0.0.1', { 'x-forwarded-for': '1.1.1.1' }, { header: 'forwarded' })).toBe('10.0.0.1')
  })

  test('is known of peers that speak IPv6 to a socket for both', () => {
    expect(addressOf('::ffff:10.0.0.1', { 'x-forwarded-for': '203.0.113.9' })).toBe('203.0.113.9')
    expect(addressOf('2001:db8:ffff::1', { 'x-forwarded-for': '203.0.113.9' })).toBe('203.0.113.9')
    expect(addressOf('fe80::1%eth0', {})).toBe('fe80::1')
  })

  test('is secure as the trusted proxy says, or as the socket is', () => {
    const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }
    expect(clientOf('10.0.0.1', headers).secure).toBe(true)
    expect(clientOf('10.0.0.1', { ...headers, 'x-forwarded-proto': 'http' }, { secure: true }).secure).toBe(false)
    expect(clientOf('10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, { secure: true }).secure).toBe(true)
    expect(clientOf('203.0.113.9', headers).secure).toBe(false)
  })

  test('is never one that a stranger chose: whatever stands before what the nearest proxy wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), fc.constantFrom(', ', ','), (before, comma) => {
        const written = { 'x-forwarded-for': `${before}${comma}203.0.113.9` }
        expect(addressOf('10.0.0.1', written)).toBe('203.0.113.9')
        const forwarded = { forwarded: `${before}${comma}for=203.0.113.9` }
        expect(['203.0.113.9', '10.0.0.1']).toContain(addressOf('10.0.0.1', forwarded, { header: 'forwarded' }))
      }),
    )
  })
})

test('an address range is an address, with a prefix that fits or without', () => {
  for (const good of ['10.0.0.0/8', '127.0.0.1', '::1', '2001:db8::/32', '0.0.0.0/0'])
    expect(isAddressRange(good)).toBe(true)
  for (const bad of ['', 'localhost', '10.0.0.0/33', '::/129', '10.0.0/8', '10.0.0.0/8/8', '1.2.3.4/', 'fe80::1%eth0'])
    expect([bad, isAddressRange(bad)]).toEqual([bad, false])
})

test('what one customer has is an IPv4 address, or the /64 around one of IPv6', () => {
  expect(networkOf('203.0.113.9')).toBe('203.0.113.9')
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:db8::6')).toBe('2001:db8:0:0::/64')
  expect(networkOf('::1')).toBe('0:0:0:0::/64')
  expect(networkOf('2001:db8:1:2::')).toBe('2001:db8:1:2::/64')
})
