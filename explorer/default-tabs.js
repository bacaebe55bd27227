import events from './events.graphql?raw'
import story from './story.graphql?raw'

const storyVariables = variables({
  invitationUrl: 'paste the url of step 4 here',
  connectionId: 'paste the id of step 5 here',
})

/** The tabs of a first visit; later ones show what the visitor left. */
export const defaultTabs = [
  { query: story, variables: storyVariables },
  { query: events, variables: variables({ after: null }) },
]

/** GraphiQL shows the first tab's query from `defaultTabs`, but its variables only from here. */
export function initialVariables() {
  const visitedBefore = localStorage.getItem('graphiql:tabState') !== null
  return visitedBefore ? undefined : storyVariables
}

function variables(values) {
  return JSON.stringify(values, null, 2)
}
