import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import './explorer.css'
import { GraphiQL } from 'graphiql'
import { useEffect, useMemo } from 'react'
import { createRoot } from 'react-dom/client'
import { CredentialBar } from './credential-bar.jsx'
import { defaultTabs, initialVariables } from './default-tabs.js'
import { connectGateway } from './gateway.js'
import { useSession } from './use-session.js'
import { WrapLines } from './wrap-lines.jsx'

const firstVariables = initialVariables()

function Explorer() {
  const { session, enter, forget } = useSession()
  const gateway = useMemo(() => connectGateway(session.credential), [session.credential])
  useEffect(() => gateway.dispose, [gateway])

  return (
    <>
      <CredentialBar {...session} onEnter={enter} onForget={forget} />
      <main className="explorer">
        <GraphiQL
          fetcher={gateway.fetcher}
          defaultTabs={defaultTabs}
          initialVariables={firstVariables}
          defaultEditorToolsVisibility="variables"
          // Credentials have their place in the bar, and are never written to local storage with the tabs.
          isHeadersEditorEnabled={false}
          showPersistHeadersSettings={false}
        >
          <WrapLines />
        </GraphiQL>
      </main>
    </>
  )
}

createRoot(document.getElementById('root')).render(<Explorer />)
