import type { TopicMeaning } from '../../model/index.ts'
import type { Decoder } from './decoder.ts'
import { decodeInfo } from './info.ts'
import { createNativeFast } from './native-fast.ts'
import { decodeNativeJson } from './native-json.ts'
import { createScalarDecoder } from './scalar.ts'
import { decodeStatus } from './status.ts'

/** A decoder for everything that a topic can mean. */
export type Decoders = { readonly [Kind in TopicMeaning['kind']]: Decoder }

export function createDecoders(): Decoders {
  const decodeFast = createNativeFast()
  return {
    telemetry: (message, draft) => {
      if (!decodeFast(message, draft)) decodeNativeJson(message, draft)
    },
    scalar: createScalarDecoder(),
    status: decodeStatus,
    info: decodeInfo,
    // Commands read the log themselves; here an acknowledgement only says that the device is alive.
    'command-ack': () => {},
  }
}
