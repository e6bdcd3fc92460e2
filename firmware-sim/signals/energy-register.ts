/** Power is published in tenths of a watt, so its trapezoids add up in integers: 1 Wh = 3.6e6 W·ms = 7.2e7 of these. */
const unitsPerWh = 7.2e7

/**
 * A register that is exactly the integral of the powers published with it: trapezoids between the samples, kept in
 * whole watt-hours and an integer rest, so that years of samples lose nothing.
 */
export interface EnergyRegister {
  /** Counts on to the sample and gives the register in kWh, whole watt-hours. `powerDeciW` is an integer ≥ 0. */
  advance(timeMs: number, powerDeciW: number): number
}

export function createEnergyRegister(startWh: number): EnergyRegister {
  let wh = startWh
  let rest = 0
  let last: { readonly timeMs: number; readonly powerDeciW: number } | undefined
  return {
    advance(timeMs, powerDeciW) {
      if (last !== undefined) {
        rest += (last.powerDeciW + powerDeciW) * (timeMs - last.timeMs)
        const whole = Math.floor(rest / unitsPerWh)
        wh += whole
        rest -= whole * unitsPerWh
      }
      last = { timeMs, powerDeciW }
      return wh / 1000
    },
  }
}
