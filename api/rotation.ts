import { z } from '@hono/zod-openapi'

const maxOverlapS = 30 * 24 * 3_600

/** How a secret is replaced: the new one holds at once, the one before for a while longer. */
export const rotationInput = z
  .strictObject({
    overlapS: z
      .int()
      .min(0)
      .max(maxOverlapS)
      .default(24 * 3_600)
      .openapi({
        description:
          'Seconds for which what was good before stays good; then it ends, and the MQTT connections that were opened ' +
          'by it end with it. 0: now, which also ends what is left of an earlier rotation',
      }),
  })
  .openapi('Rotation')
