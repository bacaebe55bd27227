import { BREAK, type DocumentNode, Kind, visit } from 'graphql'

/**
 * Whether a document may be kept to save parsing it again. One with texts in it may have a wallet's key among them, and
 * comes but once: what changes from request to request belongs into variables.
 */
export function mayBeKept(document: DocumentNode): boolean {
  let hasText = false
  visit(document, {
    [Kind.STRING]() {
      hasText = true
      return BREAK
    },
  })
  return !hasText
}

/** The same of a document that is not parsed yet: every text begins with a quotation mark. */
export const textMayBeKept = (text: string) => !text.includes('"')
