export type QoS = 0 | 1 | 2

/**
 * What one client was granted. A message is delivered with the lower of its QoS and the granted one [MQTT-3.8.4-6], of
 * several matching filters the highest [MQTT-3.3.5-1]; Aedes does so only where the filter is the topic itself.
 */
export class Grants {
  readonly #byFilter = new Map<string, QoS>()
  #lowest: QoS = 2

  grant(filter: string, qos: QoS): void {
    this.#byFilter.set(filter, qos)
    this.#findLowest()
  }

  revoke(filter: string): void {
    if (this.#byFilter.delete(filter)) this.#findLowest()
  }

  /** With which QoS a message of `qos` on the topic is delivered. */
  deliverWith(topic: string, qos: QoS): QoS {
    if (qos <= this.#lowest) return qos
    let highest: QoS | undefined
    for (const [filter, granted] of this.#byFilter)
      if ((highest === undefined || granted > highest) && matchesFilter(filter, topic)) highest = granted
    // No filter any more: it was unsubscribed while the message was on its way.
    return highest === undefined || highest > qos ? qos : highest
  }

  #findLowest(): void {
    this.#lowest = 2
    for (const qos of this.#byFilter.values()) if (qos < this.#lowest) this.#lowest = qos
  }
}

/** MQTT 3.1.1, 4.7. */
export function matchesFilter(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false // [MQTT-4.7.2-1]
  const topicLevels = topic.split('/')
  const filterLevels = filter.split('/')
  for (const [i, level] of filterLevels.entries()) {
    if (level === '#') return true
    if (level !== '+' && level !== topicLevels[i]) return false
    if (i >= topicLevels.length) return false
  }
  return filterLevels.length === topicLevels.length
}
