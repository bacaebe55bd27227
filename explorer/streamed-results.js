/** How many results the response pane keeps. */
const KEPT = 100

/**
 * Collects a subscription's results for the response pane, which by itself would show only the last one.
 *
 * @param subscribe takes a graphql-ws sink and returns the function that unsubscribes
 * @param onComplete gives the sentence to show when the stream ends without an error
 * @returns an observable, as GraphiQL takes it, of `{received, ended?, newestFirst}`
 */
export function streamedResults(subscribe, { onComplete }) {
  return {
    subscribe(observer) {
      let received = 0
      let newestFirst = []
      const show = (ended) => observer.next({ received, ...(ended && { ended }), newestFirst })
      const end = (reason) => {
        show(reason)
        observer.complete()
      }
      const unsubscribe = subscribe({
        next(result) {
          received += 1
          newestFirst = [result, ...newestFirst].slice(0, KEPT)
          show()
        },
        error: (reason) => end(describe(reason)),
        complete: () => end(onComplete()),
      })
      return { unsubscribe }
    },
  }
}

/** A subscription ends by the operation's GraphQL errors, by the socket's close, or by a failure to connect. */
function describe(reason) {
  if (Array.isArray(reason)) return { errors: reason }
  if (reason instanceof CloseEvent) return `The connection was closed: ${reason.code} ${reason.reason}`.trim()
  return reason instanceof Error ? reason.message : 'The connection failed.'
}
