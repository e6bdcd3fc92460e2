import type { Environment } from '../env.ts'

/**
 * The settings of InfluxDB, where there are any, with a database of this demo's own: what an earlier demo or a platform has
 * in another one is not its business. A bucket that is named must be empty.
 */
export function demoInflux(env: Environment, nowMs: number): Environment {
  if (env['INFLUX_URL'] === undefined || env['INFLUX_URL'] === '') return {}
  const given = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('INFLUX_')))
  if (given['INFLUX_BUCKET'] !== undefined || given['INFLUX_DATABASE'] !== undefined) return given
  const minute = new Date(nowMs).toISOString().slice(0, 16).replace(/\D/g, '')
  return { ...given, INFLUX_DATABASE: `pelbiot-demo-${minute}` }
}
