/** Quality of a reading, as the number that travels in a ReadingBatch. */
export const quality = { good: 0, suspect: 1, estimated: 2, edited: 3 } as const
export type Quality = (typeof quality)[keyof typeof quality]
export const qualityNames = ['good', 'suspect', 'estimated', 'edited'] as const
export type QualityName = (typeof qualityNames)[number]
