import { describe, expect, test } from 'vitest'
import { createLatencyHistogram } from '../../model/index.ts'

describe('the latency histogram', () => {
  test('tells percentiles to two percent', () => {
    const histogram = createLatencyHistogram()
    for (let i = 1; i <= 1_000; i++) histogram.add(i / 10)
    expect(histogram.count).toBe(1_000)
    expect(Math.abs(histogram.percentileMs(0.5) - 50) / 50).toBeLessThan(0.021)
    expect(Math.abs(histogram.percentileMs(0.99) - 99) / 99).toBeLessThan(0.021)
    expect(Math.abs(histogram.percentileMs(1) - 100) / 100).toBeLessThan(0.021)
  })

  test('takes any duration, and has an answer without one', () => {
    const histogram = createLatencyHistogram()
    expect(histogram.percentileMs(0.99)).toBe(0)
    histogram.add(0)
    histogram.add(1e12)
    expect(histogram.count).toBe(2)
    expect(histogram.percentileMs(1)).toBeGreaterThan(1e6)
  })

  test('is the same after it was kept and added up elsewhere', () => {
    const [one, other, whole, kept] = [1, 2, 3, 4].map(() => createLatencyHistogram())
    if (one === undefined || other === undefined || whole === undefined || kept === undefined) return
    for (let i = 0; i < 300; i++) {
      ;[one, other][i % 2]?.add(i)
      whole.add(i)
    }
    for (const each of [one, other]) kept.addSteps(JSON.parse(JSON.stringify(each.steps())))
    expect(kept.steps()).toEqual(whole.steps())
    expect(kept.count).toBe(300)
    expect(kept.percentileMs(0.95)).toBe(whole.percentileMs(0.95))
  })

  test('counts what took longer than a limit', () => {
    const histogram = createLatencyHistogram()
    for (const ms of [1, 49, 52, 500]) histogram.add(ms)
    expect(histogram.countAbove(50)).toBe(2)
    expect(histogram.countAbove(1e9)).toBe(0)
  })
})
