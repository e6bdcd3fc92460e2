export const readingStores = ['duckdb', 'influxdb'] as const
export type ReadingStoreName = (typeof readingStores)[number]
