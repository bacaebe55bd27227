"""Two tenants meet, through the `gql` client: story.py URL OPERATOR_KEY"""

import asyncio
import sys
import uuid

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.websockets import WebsocketsTransport

CREATE_TENANT = gql(
    "mutation ($input: CreateTenantInput!) { createTenant(input: $input) { token tenant { name } } }"
)
VIEWER = gql("{ viewer { role tenant { name } } }")
NOW = gql("{ events(last: 0) { pageInfo { endCursor } } }")
INVITE = gql("mutation { createInvitation(input: {}) { invitation { url } } }")
RECEIVE = gql(
    "mutation ($input: ReceiveInvitationInput!) { receiveInvitation(input: $input) { connection { id } } }"
)
SEND = gql("mutation ($input: SendBasicMessageInput!) { sendBasicMessage(input: $input) { message { id } } }")
EVENTS = gql(
    """
    subscription ($after: String) {
      events(after: $after) {
        __typename
        cursor
        ... on ConnectionEvent { connection { id state } }
        ... on BasicMessageEvent { message { role content } }
      }
    }
    """
)


class Tenant:
    """A caller of the API: one client for queries and mutations, one for the stream."""

    def __init__(self, url, token):
        headers = {"authorization": f"Bearer {token}"}
        self.http = Client(
            transport=AIOHTTPTransport(url=f"{url}/graphql", headers=headers),
            fetch_schema_from_transport=True,
        )
        self.socket = Client(
            transport=WebsocketsTransport(
                url=f"{url.replace('http', 'ws', 1)}/graphql",
                init_payload=headers,
                subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
            )
        )

    async def until(self, after, matches):
        """Follows the stream from a cursor until an event matches."""
        async with self.socket as session:
            async for result in session.subscribe(with_variables(EVENTS, after=after)):
                if matches(result["events"]):
                    return result["events"]


def with_variables(document, **values):
    document.variable_values = values
    return document


async def main(url, operator_key):
    operator = Client(
        transport=AIOHTTPTransport(url=f"{url}/graphql", headers={"x-api-key": operator_key}),
        fetch_schema_from_transport=True,
    )

    async def create(label):
        name = f"{label}-{uuid.uuid4()}"
        async with operator as session:
            answer = await session.execute(with_variables(CREATE_TENANT, input={"name": name, "label": label}))
        tenant = Tenant(url, answer["createTenant"]["token"])
        async with tenant.http as session:
            viewer = (await session.execute(VIEWER))["viewer"]
            assert viewer == {"role": "TENANT", "tenant": {"name": name}}, viewer
            tenant.now = (await session.execute(NOW))["events"]["pageInfo"]["endCursor"]
        return tenant

    acme = await create("acme")
    globex = await create("globex")

    async with acme.http as session:
        invitation = (await session.execute(INVITE))["createInvitation"]["invitation"]
    async with globex.http as session:
        answer = await session.execute(with_variables(RECEIVE, input={"url": invitation["url"]}))
        connection_id = answer["receiveInvitation"]["connection"]["id"]

    def completed(event):
        return event.get("connection", {}).get("state") == "COMPLETED"

    await asyncio.gather(acme.until(acme.now, completed), globex.until(globex.now, completed))
    async with globex.http as session:
        message = {"connectionId": connection_id, "content": "Hello Acme"}
        await session.execute(with_variables(SEND, input=message))
    received = await acme.until(acme.now, lambda event: event["__typename"] == "BasicMessageEvent")
    print("acme has read:", received["message"]["content"])


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
