const PASSING = [
  /\/messagepickup\/2\.\d+\/(status-request|delivery-request|live-delivery-change|status|delivery)$/,
  /\/messagepickup\/1\.\d+\/batch-pickup$/,
  /\/coordinate-mediation\/1\.\d+\/(keylist-query|keylist)$/,
]

/**
 * Whether whoever wants a message asks for it anew: what mediators are asked for what they hold, and what they answer. It
 * is worth nothing later, and an answer can be a thousand times as long as what asks for it.
 */
export const isPassing = (type: string): boolean => PASSING.some((pattern) => pattern.test(type))
