import { useGraphiQL } from '@graphiql/react'
import { useEffect } from 'react'

/** Inside GraphiQL: breaks long lines where it would scroll sideways, comments and invitation URLs above all. */
export function WrapLines() {
  const queryEditor = useGraphiQL((state) => state.queryEditor)
  const variableEditor = useGraphiQL((state) => state.variableEditor)

  useEffect(() => {
    for (const editor of [queryEditor, variableEditor]) editor?.updateOptions({ wordWrap: 'on' })
  }, [queryEditor, variableEditor])
  return null
}
