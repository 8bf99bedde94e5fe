"""HTTP/1.1 for the test peers, on asyncio streams: a strict little server and a client that can be stopped in the middle.

Came from: sockets. Goes to: handlers of mmsc.py and smsc.py. Content-Length and chunked bodies, keep-alive, nothing more.
"""
import asyncio
import re
import socket
import urllib.parse

HEAD_MAX = 32 << 10
BODY_MAX = 16 << 20
REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 411: "Length Required", 413: "Content Too Large",
           415: "Unsupported Media Type", 500: "Internal Server Error", 503: "Service Unavailable"}


class HttpError(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class Request:
    def __init__(self, method, target, headers, body, peer):
        self.method, self.target, self.headers, self.body, self.peer = method, target, headers, body, peer


class Answer:
    def __init__(self, status, body=b"", content_type="", **headers):
        self.status, self.body, self.content_type = status, body, content_type
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


async def _head(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise HttpError(400, "head too long") from None
    if len(head) > HEAD_MAX:
        raise HttpError(400, "head too long")
    lines = head[:-4].split(b"\r\n")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise HttpError(400, "header line %r" % line[:60])
        name = name.decode("ascii").lower()
        value = value.strip().decode("latin-1")
        if name in headers:
            if name in ("content-length", "host", "content-type", "authorization"):
                raise HttpError(400, "%s twice" % name)
            value = headers[name] + ", " + value
        headers[name] = value
    return lines[0].decode("latin-1"), headers


async def _body(reader, headers, is_request):
    if "chunked" in headers.get("transfer-encoding", "").lower():
        if "content-length" in headers:
            raise HttpError(400, "both lengths")
        out = bytearray()
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            if len(out) + size > BODY_MAX:
                raise HttpError(413, "body too large")
            if not size:
                while await reader.readuntil(b"\r\n") != b"\r\n":
                    pass
                return bytes(out)
            out += await reader.readexactly(size)
            if await reader.readexactly(2) != b"\r\n":
                raise HttpError(400, "chunk")
    if "content-length" in headers:
        if not re.fullmatch(r"\d{1,10}", headers["content-length"]):
            raise HttpError(400, "Content-Length")
        size = int(headers["content-length"])
        if size > BODY_MAX:
            raise HttpError(413, "body too large")
        return await reader.readexactly(size)
    return b"" if is_request else await reader.read(BODY_MAX)


async def serve(handler, address, port):
    """handler(Request) -> Answer. None from the handler: the connection is dropped without an answer."""
    writers = set()

    async def connection(reader, writer):
        writers.add(writer)
        try:
            while True:
                try:
                    line, headers = await _head(reader)
                    match = re.fullmatch(r"([A-Z]+) (\S+) HTTP/1\.([01])", line)
                    if not match:
                        raise HttpError(400, "request line %r" % line[:80])
                    if match.group(3) == "1" and "host" not in headers:
                        raise HttpError(400, "no Host")
                    if match.group(1) == "POST" and "content-length" not in headers and "transfer-encoding" not in headers:
                        raise HttpError(411, "no length")
                    if headers.get("expect", "").lower() == "100-continue":
                        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    body = await _body(reader, headers, True)
                except HttpError as error:
                    writer.write(_answer_bytes(Answer(error.status, str(error).encode(), "text/plain"), True))
                    await writer.drain()
                    return
                try:
                    answer = await handler(Request(match.group(1), match.group(2), headers, body, writer.get_extra_info("peername")))
                except (LookupError, TypeError, AttributeError) as error:
                    answer = Answer(500, repr(error).encode(), "text/plain")
                if answer is None:
                    return
                close = headers.get("connection", "").lower() == "close" or match.group(3) == "0"
                writer.write(_answer_bytes(answer, close))
                await writer.drain()
                if close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            writers.discard(writer)
            writer.close()
    server = await asyncio.start_server(connection, address, port, limit=HEAD_MAX * 2, reuse_address=True)
    server.open_connections = writers
    return server


def stop(server):
    """Closes the port and resets its connections: the server is down."""
    server.close()
    for writer in list(server.open_connections):
        writer.transport.abort()


def _answer_bytes(answer, close):
    lines = ["HTTP/1.1 %d %s" % (answer.status, REASONS.get(answer.status, "Status"))]
    if answer.content_type:
        lines.append("Content-Type: " + answer.content_type)
    lines += ["%s: %s" % item for item in answer.headers.items()]
    if answer.status != 204:
        lines.append("Content-Length: %d" % len(answer.body))
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (answer.body if answer.status != 204 else b"")


async def request(url, method="GET", body=b"", headers=None, timeout=30):
    """One request on a connection of its own -> Answer with headers in lower case. OSError or TimeoutError when it fails."""
    parts = urllib.parse.urlsplit(url)

    async def run():
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        # Who waits for an answer asks now and then whether the other side still knows the connection.
        wire = writer.get_extra_info("socket")
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 8)):
            wire.setsockopt(socket.IPPROTO_TCP, option, value)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + parts.netloc, "Connection: close"]
            lines += ["%s: %s" % item for item in (headers or {}).items()]
            if method == "POST":
                lines.append("Content-Length: %d" % len(body))
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
            await writer.drain()
            while True:
                line, got = await _head(reader)
                match = re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", line)
                if not match:
                    raise HttpError(400, "status line %r" % line[:80])
                if match.group(1) != "100":
                    break
            status = int(match.group(1))
            data = b"" if status == 204 else await _body(reader, got, False)
            answer = Answer(status, data, got.get("content-type", ""))
            answer.headers = got
            return answer
        finally:
            writer.close()
    try:
        return await asyncio.wait_for(run(), timeout)
    except (asyncio.IncompleteReadError, HttpError) as error:
        raise ConnectionError("broken answer: %s" % error) from None
