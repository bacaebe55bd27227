import { registerEnumType } from 'type-graphql'

export const AutoAccept = { ALWAYS: 'ALWAYS', CONTENT_APPROVED: 'CONTENT_APPROVED', NEVER: 'NEVER' } as const
registerEnumType(AutoAccept, {
  name: 'AutoAccept',
  description: "Which steps of an exchange go on by themselves. Where absent, the tenant's setting.",
  valuesConfig: {
    ALWAYS: { description: 'Each step: also what anyone proposes is offered, or asked, as it is proposed.' },
    CONTENT_APPROVED: {
      description: 'What matches what this side has made or accepted; the setting at first. A proposal waits.',
    },
    NEVER: { description: 'None: each waits for its mutation.' },
  },
})
