import { expect, it } from 'vitest'
import { hrefOf, PAGES, placeOf } from './place.ts'

it('finds each page by its address, with or without a slash at the end', () => {
  for (const { id, path } of PAGES) {
    expect(placeOf(path, '').page).toBe(id)
    if (path !== '/') expect(placeOf(`${path}/`, '').page).toBe(id)
  }
  expect(placeOf('/nowhere', '').page).toBeNull()
  expect(placeOf('/historyx', '').page).toBeNull()
})

it('changes some parameters and keeps the others', () => {
  const place = placeOf('/history', '?symbol=BTC%2FUSDT&exchange=kraken')
  expect(hrefOf(place, { exchange: null, range: '7d' })).toBe('/history?symbol=BTC/USDT&range=7d')
  expect(hrefOf(place, { symbol: '', exchange: null })).toBe('/history')
})

it('keeps any text whole', () => {
  const symbol = '币安 &?=#+%/USDT'
  const href = hrefOf(placeOf('/', ''), { symbol })
  expect(placeOf('/', new URL(href, 'http://x').search).params.get('symbol')).toBe(symbol)
})
