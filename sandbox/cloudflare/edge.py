"""The edge: visitors' requests by host, down the tunnel their DNS record names."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import replace

from .access.gate import Gate, Passage
from .access.gate import Request as Asked
from .access.login import MAX_FORM, Login, is_team
from .access.sessions import Sessions
from .http import PIECE, BadHttp, Head, Headers, Response, body_length, pieces, read_head
from .models import Record
from .resolve import find_proxied
from .store import Store
from .tunnels import NoAnswer, NoConnections, NoStream, Stream, Tunnels

TUNNEL_DOMAIN = ".cfargotunnel.com"
LINGER_SECONDS = 1.0
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection"}
OWN_REQUEST_HEADERS = {
    "cf-connecting-ip",
    "cf-ray",
    "cf-visitor",
    "x-forwarded-for",
    "x-forwarded-proto",
}


class Refusal(Exception):
    """The edge answers itself: a status and Cloudflare's error code or name."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


BAD_GATEWAY = Refusal(502, "error code: 502\nBad gateway")


class Edge:
    """Passes one request a connection; the client's connection closes after the answer."""

    def __init__(self, store: Store, tunnels: Tunnels) -> None:
        self._store = store
        self._tunnels = tunnels
        sessions = Sessions()
        self._gate = Gate(store, sessions)
        self._login = Login(store, sessions)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one visitor."""
        ray = f"{secrets.token_hex(8)}-SBX"
        answer: Response | None
        bodiless = False
        try:
            head = await read_head(reader)
            if head is None:
                return
            check_start(head)
            bodiless = head.start.startswith("HEAD ")
            answer = await self._answered(reader, writer, head, ray)
        except BadHttp as error:
            answer = refusal_page(Refusal(400, str(error)), ray)
        except Refusal as error:
            answer = refusal_page(error, ray)
        except NoAnswer:
            answer = refusal_page(BAD_GATEWAY, ray)
        if answer is not None:
            await passed(writer, answer.encode(close=True, bodiless=bodiless))
        await lingered(reader, writer)

    async def _answered(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head, ray: str
    ) -> Response | None:
        """The edge's own answer; None when the request was passed and answered from behind the tunnel."""
        host = (head.get("host") or "").rpartition("@")[2]
        asked = Asked(
            head=head,
            host=host.partition(":")[0].lower().rstrip("."),
            address=writer.get_extra_info("peername")[0],
            port=writer.get_extra_info("sockname")[1],
        )
        if is_team(asked.host):
            return await self._team_page(reader, asked)
        record = self._record(asked.host)
        zone = self._store.zone(record.zone_id)
        judged = self._gate.judge(asked, zone.account_id, zone.name)
        if isinstance(judged, Response):
            return own_answer(judged, ray)
        exchange = Exchange(reader, writer, judged, ray)
        stream = await self._open(record)
        try:
            await exchange.run(stream)
        finally:
            stream.close()
        return None

    async def accept_team(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a team's pages alone, as they are at its own domain."""
        head = await read_head(reader)
        if head is None:
            return
        check_start(head)
        asked = Asked(
            head=head,
            host=(head.get("host") or "").partition(":")[0].lower(),
            address=writer.get_extra_info("peername")[0],
            port=writer.get_extra_info("sockname")[1],
        )
        await passed(writer, (await self._team_page(reader, asked)).encode(close=True))

    async def _team_page(self, reader: asyncio.StreamReader, asked: Asked) -> Response:
        team = self._login.team(asked.host)
        if team is None:
            return Response(status=404, body=b"There is no such team.\n")
        form = bytearray()
        async for _, content in pieces(reader, body_length(asked.head) or 0):
            form += content
            if len(form) > MAX_FORM:
                raise BadHttp("the form is too long")
        return self._login.answer(team, asked, bytes(form))

    def _record(self, name: str) -> Record:
        record = find_proxied(self._store, name) if name else None
        if record is None:
            # A real visitor gets no answer at all, since the name does not resolve.
            raise Refusal(404, "error code: 1001\nDNS resolution error: there is no such hostname")
        return record

    async def _open(self, record: Record) -> Stream:
        content = record.content.lower().rstrip(".")
        if record.type != "CNAME" or not content.endswith(TUNNEL_DOMAIN):
            raise Refusal(530, "error code: 1016\nOrigin DNS error")
        try:
            return await self._tunnels.open_stream(content[: -len(TUNNEL_DOMAIN)])
        except NoConnections as error:
            raise Refusal(530, "error code: 1033") from error
        except NoStream as error:
            raise BAD_GATEWAY from error


def check_start(head: Head) -> None:
    """A request's first line has to be one, and how long its body is has to be told in one way.

    Raises:
        BadHttp: it is not so.
    """
    words = head.start.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHttp(f"not a request line: {head.start!r}")
    if not words[1].startswith("/") and words[1] != "*":
        raise BadHttp(f"not a path: {words[1]!r}")
    body_length(head)


class Exchange:
    """One request and its answer between a visitor and a stream of the tunnel."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        passage: Passage,
        ray: str,
    ) -> None:
        head = passage.head
        self._answer_headers = passage.answer_headers
        self._length = body_length(head) or 0
        self._upgrade = "upgrade" in head.tokens("connection")
        self._reader = reader
        self._writer = writer
        self._ray = ray
        address: str = writer.get_extra_info("peername")[0]
        scheme = "http" if writer.get_extra_info("ssl_object") is None else "https"
        headers = request_headers(head, address, ray, self._upgrade, scheme)
        self._head = replace(head, headers=headers)

    async def run(self, stream: Stream) -> None:
        """Pass everything.

        Raises:
            NoAnswer: the connector gave none.
        """
        loop = asyncio.get_running_loop()
        upload = loop.create_task(self._upload(stream))
        download = loop.create_task(self._download(stream))
        try:
            await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
            if not download.done() and upload.result():
                return
            await download
        finally:
            await ended(upload)
            await ended(download)

    async def _upload(self, stream: Stream) -> bool:
        """Pass the request, then watch the visitor: True when it is gone."""
        try:
            await stream.send_head(self._head, self._length, upgrade=self._upgrade)
            async for raw, content in pieces(self._reader, self._length):
                await stream.send(raw, content)
            if self._upgrade:
                async for raw, content in pieces(self._reader, None):
                    await stream.send(raw, content)
                await stream.send_end()
                return False
            await stream.send_end()
        except (asyncio.IncompleteReadError, BadHttp):
            return True
        except ConnectionError:
            if self._upgrade:
                return False
        await swallowed(self._reader)
        return True

    async def _download(self, stream: Stream) -> None:
        head = await stream.answer()
        while head.start.split(" ")[1].startswith("1") and head.start.split(" ")[1] != "101":
            await passed(self._writer, head.encode())
            head = await stream.answer()
        body = stream.body(head)
        switching = head.start.split(" ")[1] == "101"
        headers = [*answer_headers(head, self._ray, switching), *self._answer_headers]
        shown = replace(head, headers=headers)
        await passed(self._writer, shown.encode())
        async for raw in body:
            await passed(self._writer, raw)


def request_headers(head: Head, address: str, ray: str, upgrade: bool, scheme: str) -> Headers:
    """The visitor's header fields with the edge's own; a stream carries one exchange."""
    before = head.get("x-forwarded-for")
    own = HOP_BY_HOP | OWN_REQUEST_HEADERS
    return [
        *((key, value) for key, value in head.headers if key.lower() not in own),
        ("Connection", "Upgrade" if upgrade else "close"),
        ("CF-Connecting-IP", address),
        ("CF-Ray", ray),
        ("CF-Visitor", json.dumps({"scheme": scheme}, separators=(",", ":"))),
        ("X-Forwarded-For", f"{before}, {address}" if before else address),
        ("X-Forwarded-Proto", scheme),
    ]


def answer_headers(head: Head, ray: str, switching: bool) -> Headers:
    """The connector's header fields as a visitor sees them."""
    own = {*HOP_BY_HOP, "cf-ray", "server"}
    return [
        *((key, value) for key, value in head.headers if key.lower() not in own),
        ("Connection", "Upgrade" if switching else "close"),
        ("Server", "cloudflare"),
        ("CF-Ray", ray),
    ]


def own_answer(answer: Response, ray: str) -> Response:
    """An answer of the edge's own."""
    return replace(answer, headers=[*answer.headers, ("Server", "cloudflare"), ("CF-Ray", ray)])


def refusal_page(refusal: Refusal, ray: str) -> Response:
    return Response(
        status=refusal.status,
        body=f"{refusal}\n".encode(),
        headers=[
            ("Content-Type", "text/plain; charset=UTF-8"),
            ("Server", "cloudflare"),
            ("CF-Ray", ray),
        ],
    )


async def passed(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def swallowed(reader: asyncio.StreamReader) -> None:
    """Read to the end and drop it."""
    while await reader.read(PIECE):
        pass


async def lingered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the visitor read the answer: closing with unread input would discard it."""
    if writer.can_write_eof():
        writer.write_eof()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(swallowed(reader), LINGER_SECONDS)


async def ended(task: "asyncio.Task[object]") -> None:
    """Cancel a task that still runs and wait for its end."""
    task.cancel()
    await asyncio.wait({task})
