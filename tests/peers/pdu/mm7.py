"""MM7 as an MMSC (Relay/Server) sees it: SOAP 1.1 in HTTP bodies, TS 23.140 REL-6-MM7-1-4.

Came from: HTTP requests of a VASP. Goes to: Request objects; answers and requests of the MMSC are built here too. Strict: element
order, mandatory elements, value forms, MIME structure; Refusal carries what a strict MMSC answers.
"""
import base64
import binascii
import re
import urllib.parse
import uuid

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
BASE = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
NAMESPACES = [BASE + name for name in ("REL-5-MM7-1-0 REL-5-MM7-1-1 REL-5-MM7-1-2 REL-5-MM7-1-3 REL-5-MM7-1-4 REL-5-MM7-1-5 "
                                       "REL-6-MM7-1-0 REL-6-MM7-1-1 REL-6-MM7-1-2 REL-6-MM7-1-3 REL-6-MM7-1-4").split()]
VERSIONS = "5.3.0 5.5.0 5.6.0 5.8.0 5.10.0 6.3.0 6.4.0 6.5.0 6.6.0 6.8.0".split()
TEXTS = {
    1000: "Success", 1100: "Partial success", 2000: "Client error", 2001: "Operation restricted", 2002: "Address Error",
    2003: "Address Not Found", 2004: "Multimedia content refused", 2006: "LinkedID not found", 2007: "Message format corrupt",
    3000: "Server Error", 3002: "Message rejected", 3003: "Multiple addresses not supported", 4000: "General service error",
    4001: "Improper identification", 4002: "Unsupported version", 4003: "Unsupported operation", 4004: "Validation error",
    4005: "Service error", 4006: "Service unavailable", 4007: "Service denied",
}


class Refusal(Exception):
    """A message that is not served. fault: "" for a normal response, else the SOAP fault code (Client, MustUnderstand ...)."""

    def __init__(self, status, why, fault="", transaction=""):
        super().__init__(why)
        self.status = status
        self.why = why
        self.fault = fault
        self.transaction = transaction


class MimePart:
    def __init__(self, headers, body):
        self.headers = headers
        self.body = body

    def media(self):
        return parse_content_type(self.headers.get("content-type", "text/plain; charset=us-ascii"))

    def content_id(self):
        return self.headers.get("content-id", "").strip()

    def decoded(self):
        coding = self.headers.get("content-transfer-encoding", "binary").strip().lower()
        if coding in ("binary", "8bit", "7bit"):
            return self.body
        if coding == "base64":
            try:
                return base64.b64decode(b"".join(self.body.split()), validate=True)
            except binascii.Error as error:
                raise Refusal(2007, "base64 of a part: %s" % error) from None
        if coding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        raise Refusal(2007, "Content-Transfer-Encoding %s" % coding)


_PARAM = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*')


def parse_content_type(value):
    """-> (media type in lower case, {parameter: value}); strict RFC 2045 grammar."""
    match = re.match(r"\s*([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+*-]+)\s*", value)
    if not match:
        raise Refusal(4004, "Content-Type %r" % value, "Client")
    params, at = {}, match.end()
    while at < len(value):
        param = _PARAM.match(value, at)
        if not param:
            raise Refusal(4004, "parameter of Content-Type at %d: %r" % (at, value), "Client")
        name = param.group(1).lower()
        if name in params:
            raise Refusal(4004, "parameter %s of Content-Type twice" % name, "Client")
        params[name] = re.sub(r"\\(.)", r"\1", param.group(2)) if param.group(2) is not None else param.group(3)
        at = param.end()
    return match.group(1).lower(), join_continued(params)


def join_continued(params):
    """RFC 2231: `name*0*=utf-8''...; name*1=...` and `name*=utf-8''...` become `name`."""
    plain = {name: value for name, value in params.items() if "*" not in name}
    for name in {name.split("*")[0] for name in params if "*" in name}:
        if name + "*" in params:
            pieces = [(params[name + "*"], True)]
        else:
            pieces, index = [], 0
            while "%s*%d" % (name, index) in params or "%s*%d*" % (name, index) in params:
                coded = "%s*%d*" % (name, index) in params
                pieces.append((params["%s*%d%s" % (name, index, "*" if coded else "")], coded))
                index += 1
        if not pieces:
            raise Refusal(2007, "parameter %s* without a beginning" % name)
        charset, raw = "us-ascii", b""
        for index, (value, coded) in enumerate(pieces):
            if coded and index == 0:
                if value.count("'") < 2:
                    raise Refusal(2007, "parameter %s* without a charset" % name)
                charset, _, value = value.split("'", 2)
            raw += urllib.parse.unquote_to_bytes(value) if coded else value.encode("latin-1")
        try:
            plain[name] = raw.decode(charset)
        except (LookupError, UnicodeDecodeError):
            raise Refusal(2007, "parameter %s is not %s" % (name, charset)) from None
    return plain


def split_mime(body, boundary, status=4004, fault="Client"):
    """The parts of a multipart body: no preamble, CRLF line ends, a closing boundary, nothing behind it but CRLF."""
    def no(why):
        raise Refusal(status, "MIME: " + why, fault)
    if not boundary or len(boundary) > 70:
        no("boundary of %d characters" % len(boundary or ""))
    mark = b"--" + boundary.encode("latin-1")
    if not body.startswith(mark + b"\r\n"):
        no("the body does not begin with its boundary")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        no("no closing boundary")
    if pieces[-1][2:].strip(b"\r\n"):
        no("text behind the closing boundary")
    parts = []
    for piece in pieces[1:-1]:
        if not piece.startswith(b"\r\n"):
            no("a boundary line with something behind it")
        head, separator, content = piece[2:].partition(b"\r\n\r\n")
        if piece.startswith(b"\r\n\r\n"):
            head, separator, content = b"", b"\r\n\r\n", piece[4:]
        if not separator:
            no("a part without an empty line")
        headers = {}
        for line in re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n") if head else []:
            name, colon, value = line.partition(b":")
            if not colon or not re.fullmatch(rb"[!-9;-~]+", name):
                no("part header %r" % line[:80])
            name = name.decode("ascii").lower()
            if name in headers:
                no("part header %s twice" % name)
            headers[name] = value.strip().decode("utf-8", "replace")
        parts.append(MimePart(headers, content))
    return parts


# Child elements in schema order: (name, mandatory).
SUBMIT_ORDER = [
    ("MM7Version", True), ("SenderIdentification", True), ("Recipients", True), ("ServiceCode", False), ("LinkedID", False),
    ("MessageClass", False), ("TimeStamp", False), ("ReplyCharging", False), ("EarliestDeliveryTime", False),
    ("ExpiryDate", False), ("DeliveryReport", False), ("ReadReply", False), ("Priority", False), ("Subject", False),
    ("ChargedParty", False), ("ChargedPartyID", False), ("DistributionIndicator", False), ("DeliveryCondition", False),
    ("ApplicID", False), ("ReplyApplicID", False), ("AuxApplicInfo", False), ("ContentClass", False), ("DRMContent", False),
    ("Content", False),
]
DELIVER_RSP_ORDER = [("MM7Version", True), ("Status", True), ("ServiceCode", False)]
REPORT_RSP_ORDER = [("MM7Version", True), ("Status", True)]
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$")
_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$")
_WORDS = {
    "MessageClass": ("Personal", "Informational", "Advertisement", "Auto"), "Priority": ("Low", "Normal", "High"),
    "ChargedParty": ("Sender", "Recipient", "Both", "Neither", "ThirdParty"),
    "DeliveryReport": ("true", "false", "1", "0"), "ReadReply": ("true", "false", "1", "0"),
    "DistributionIndicator": ("true", "false", "1", "0"), "DRMContent": ("true", "false", "1", "0"),
}


def local(element):
    return etree.QName(element).localname


def duration_seconds(text):
    match = _DURATION.match(text)
    amount = [float(re.sub(r"[A-Z]", "", group)) if group else 0.0
              for group in (match.group(1), match.group(2), match.group(3), match.group(5), match.group(6), match.group(7))]
    return sum(value * unit for value, unit in zip(amount, (31557600, 2592000, 86400, 3600, 60, 1)))


def parse_xml(data):
    """One XML document without DTD, or Refusal."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Refusal(4004, "a document type in SOAP", "Client")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Refusal(4004, "XML: %s" % error, "Client") from None


def open_envelope(root):
    """-> (transaction id, body element); every rule of the SOAP envelope checked."""
    if local(root) != "Envelope":
        raise Refusal(4004, "the document is a %s, no Envelope" % local(root), "Client")
    if etree.QName(root).namespace != SOAP:
        raise Refusal(4004, "envelope namespace %s" % etree.QName(root).namespace, "VersionMismatch")
    children = [child for child in root if isinstance(child.tag, str)]
    if [child.tag for child in children] != ["{%s}Header" % SOAP, "{%s}Body" % SOAP]:
        raise Refusal(4004, "Envelope needs Header and Body, and no more", "Client")
    transaction = ""
    seen = False
    for entry in children[0]:
        if not isinstance(entry.tag, str):
            continue
        if local(entry) == "TransactionID" and etree.QName(entry).namespace in NAMESPACES:
            if seen:
                raise Refusal(4004, "TransactionID twice", "Client")
            seen = True
            transaction = (entry.text or "").strip()
            if entry.get("{%s}mustUnderstand" % SOAP) != "1":
                raise Refusal(4004, "TransactionID without mustUnderstand=1", "Client", transaction)
        elif entry.get("{%s}mustUnderstand" % SOAP) == "1":
            raise Refusal(4004, "header %s is not understood" % local(entry), "MustUnderstand", transaction)
    if not transaction:
        raise Refusal(4004, "no TransactionID", "Client")
    messages = [child for child in children[1] if isinstance(child.tag, str)]
    if len(messages) != 1:
        raise Refusal(4004, "Body holds %d messages" % len(messages), "Client", transaction)
    return transaction, messages[0]


def check_order(element, order):
    """Children by name; their order, number and presence as the schema says."""
    found, position = {}, 0
    names = [name for name, _ in order]
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = local(child)
        if etree.QName(child).namespace != etree.QName(element).namespace:
            raise Refusal(4004, "%s in another namespace" % name)
        if name not in names:
            raise Refusal(4004, "%s does not belong into %s" % (name, local(element)))
        if name in found:
            raise Refusal(4004, "%s twice" % name)
        if names.index(name) < position:
            raise Refusal(4004, "%s out of order" % name)
        position = names.index(name)
        found[name] = child
    for name, mandatory in order:
        if mandatory and name not in found:
            raise Refusal(4004, "%s is missing" % name)
    return found


def text_of(element):
    return "" if element is None else (element.text or "").strip()


def read_address(element):
    """-> (kind, value) of RFC2822Address, Number or ShortCode."""
    name, value = local(element), text_of(element)
    if name == "Number":
        number = re.sub(r"/TYPE=PLMN$", "", value)
        if not re.fullmatch(r"\+?[1-9]\d{4,14}", number):
            raise Refusal(2002, "number %r" % value)
        return "number", number.lstrip("+")
    if name == "ShortCode":
        if not re.fullmatch(r"[0-9A-Za-z#*+]{2,21}", value):
            raise Refusal(2002, "short code %r" % value)
        return "short", value
    if name == "RFC2822Address":
        if not re.fullmatch(r'(?:.*<)?[^\s@<>]+@[^\s@<>]+>?', value, re.S):
            raise Refusal(2002, "mail address %r" % value)
        return "mail", value
    raise Refusal(4004, "%s is no address" % name)


class Submit:
    """A SubmitReq that passed."""
    __slots__ = ("transaction", "namespace", "version", "vaspid", "vasid", "sender", "recipients", "fields", "parts", "smil",
                 "content_headers", "soap")


def parse_submit(content_type, body, size_max=8 << 20):
    """A whole HTTP body -> Submit."""
    media, params = parse_content_type(content_type)
    content = None
    if media == "text/xml":
        soap = body
    elif media == "multipart/related":
        if params.get("type", "").lower() != "text/xml":
            raise Refusal(4004, "multipart/related without type=\"text/xml\"", "Client")
        parts = split_mime(body, params.get("boundary", ""))
        if len(parts) != 2:
            raise Refusal(4004, "%d parts instead of SOAP and content" % len(parts), "Client")
        if not params.get("start"):
            raise Refusal(4004, "multipart/related without start", "Client")
        if parts[0].content_id() != params["start"]:
            raise Refusal(4004, "start %s is not the first part" % params["start"], "Client")
        soap_media, soap_params = parts[0].media()
        if soap_media != "text/xml" or soap_params.get("charset", "").lower() not in ("utf-8", "us-ascii"):
            raise Refusal(4004, "the SOAP part is %s" % parts[0].headers.get("content-type"), "Client")
        soap, content = parts[0].decoded(), parts[1]
    else:
        raise Refusal(4004, "Content-Type %s" % media, "Client")
    transaction, message = open_envelope(parse_xml(soap))
    try:
        return _read_submit(transaction, message, content, soap, size_max)
    except Refusal as refusal:
        refusal.transaction = transaction
        raise


def _read_submit(transaction, message, content, soap, size_max):
    namespace = etree.QName(message).namespace
    if namespace not in NAMESPACES:
        raise Refusal(4002, "namespace %s" % namespace, "Client")
    if local(message) != "SubmitReq":
        raise Refusal(4003, "%s is not served" % local(message), "Client")
    found = check_order(message, SUBMIT_ORDER)
    result = Submit()
    result.transaction, result.namespace, result.soap = transaction, namespace, soap
    result.version = text_of(found["MM7Version"])
    if result.version not in VERSIONS:
        raise Refusal(4002, "MM7Version %r" % result.version)
    sender = check_order(found["SenderIdentification"], [("VASPID", False), ("VASID", False), ("SenderAddress", False)])
    result.vaspid, result.vasid = text_of(sender.get("VASPID")), text_of(sender.get("VASID"))
    result.sender = None
    if "SenderAddress" in sender:
        inner = [child for child in sender["SenderAddress"] if isinstance(child.tag, str)]
        if len(inner) != 1:
            raise Refusal(4004, "SenderAddress holds %d addresses" % len(inner))
        result.sender = read_address(inner[0])
    result.recipients = []
    for field in found["Recipients"]:
        if not isinstance(field.tag, str):
            continue
        if local(field) not in ("To", "Cc", "Bcc"):
            raise Refusal(4004, "%s in Recipients" % local(field))
        inner = [child for child in field if isinstance(child.tag, str)]
        if not inner:
            raise Refusal(4004, "%s without an address" % local(field))
        result.recipients += [(local(field).lower(),) + read_address(child) for child in inner]
    if not result.recipients:
        raise Refusal(4004, "no recipient")
    result.fields = {name: text_of(element) for name, element in found.items() if not len(element)}
    for name, words in _WORDS.items():
        if name in result.fields and result.fields[name] not in words:
            raise Refusal(4004, "%s is %r" % (name, result.fields[name]))
    if "TimeStamp" in result.fields and not _DATE_TIME.match(result.fields["TimeStamp"]):
        raise Refusal(4004, "TimeStamp is %r" % result.fields["TimeStamp"])
    for name in ("ExpiryDate", "EarliestDeliveryTime"):
        value = result.fields.get(name)
        if value is not None and not _DATE_TIME.match(value) and not _DURATION.match(value):
            raise Refusal(4004, "%s is %r" % (name, value))
    result.parts, result.smil, result.content_headers = [], None, {}
    element = found.get("Content")
    if element is None:
        if content is not None:
            raise Refusal(2007, "a content part without Content")
        return result
    href = element.get("href", "")
    if content is None or not content.content_id():
        raise Refusal(2007, "Content without its part")
    wanted = href[4:].replace("%40", "@") if href.startswith("cid:") else None
    if "<%s>" % wanted != content.content_id():
        raise Refusal(2007, "href %s does not name the part %s" % (href, content.content_id()))
    if len(content.body) > size_max:
        raise Refusal(2004, "content of %d bytes" % len(content.body))
    result.content_headers = content.headers
    result.parts, result.smil = read_content(content)
    return result


class ContentPart:
    def __init__(self, media, params, content_id, location, data):
        self.media, self.params, self.content_id, self.location, self.data = media, params, content_id, location, data


def read_content(content):
    """The parts of the MM, and the index of its SMIL part or None."""
    media, params = content.media()
    if not media.startswith("multipart/"):
        return [_content_part(content)], None
    parts = [_content_part(part) for part in split_mime(content.decoded(), params.get("boundary", ""), 2007, "")]
    if media != "multipart/related":
        return parts, None
    start = params.get("start", "")
    smil = next((index for index, part in enumerate(parts) if part.content_id and "<%s>" % part.content_id == start), None)
    if start and smil is None:
        raise Refusal(2007, "start %s names no part of the content" % start)
    if smil is None or parts[smil].media != "application/smil":
        smil = next((index for index, part in enumerate(parts) if part.media == "application/smil"), None)
    if smil is not None:
        check_smil(parts, smil)
    return parts, smil


def check_smil(parts, smil):
    try:
        root = parse_xml(parts[smil].data)
    except Refusal as refusal:
        raise Refusal(2004, "SMIL: %s" % refusal.why) from None
    locations = {part.location for part in parts} | {"cid:" + part.content_id for part in parts}
    for element in root.iter():
        if isinstance(element.tag, str) and element.get("src") is not None and element.get("src") not in locations:
            raise Refusal(2004, "SMIL names %s, which is no part" % element.get("src"))


def _content_part(part):
    media, params = part.media()
    content_id = part.content_id()
    if content_id and not (content_id.startswith("<") and content_id.endswith(">")):
        raise Refusal(2007, "Content-ID %s without <>" % content_id)
    if media.startswith("multipart/"):
        raise Refusal(2004, "%s inside the content" % media)
    return ContentPart(media, params, content_id[1:-1], part.headers.get("content-location", ""), part.decoded())


def envelope(transaction, namespace, body):
    text = ('<?xml version="1.0" encoding="UTF-8"?>\n<env:Envelope xmlns:env="%s"><env:Header>'
            '<mm7:TransactionID xmlns:mm7="%s" env:mustUnderstand="1">%s</mm7:TransactionID>'
            '</env:Header><env:Body>%s</env:Body></env:Envelope>\n')
    return (text % (SOAP, namespace, escape(transaction), body)).encode("utf-8")


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def status_xml(code, details=""):
    return "<Status><StatusCode>%d</StatusCode><StatusText>%s</StatusText>%s</Status>" % (
        code, TEXTS.get(code, "Status %d" % code), "<Details>%s</Details>" % escape(details) if details else "")


def submit_rsp(submit_or_transaction, namespace, version, code, message_id="", details=""):
    body = '<SubmitRsp xmlns="%s"><MM7Version>%s</MM7Version>%s%s</SubmitRsp>' % (
        namespace, version, status_xml(code, details), "<MessageID>%s</MessageID>" % escape(message_id) if message_id else "")
    return envelope(submit_or_transaction, namespace, body)


def fault(transaction, namespace, version, code, fault_code, why):
    body = ('<env:Fault><faultcode>env:%s</faultcode><faultstring>%s</faultstring><detail><RSErrorRsp xmlns="%s">'
            "<MM7Version>%s</MM7Version>%s</RSErrorRsp></detail></env:Fault>") % (
                fault_code, escape(why), namespace, version, status_xml(code, why))
    return envelope(transaction or "none", namespace, body)


def address_xml(kind, value):
    name = {"number": "Number", "short": "ShortCode", "mail": "RFC2822Address"}[kind]
    return "<%s>%s</%s>" % (name, ("+" if kind == "number" else "") + escape(value), name)


def deliver_req(transaction, namespace, version, server, vaspid, vasid, linked, sender, recipients, when, priority, subject,
                parts, smil):
    """-> (Content-Type, body) of a DeliverReq. parts: ContentPart list; smil: index or None. Parts go binary."""
    token = uuid.uuid4().hex
    outer, inner = "outer-" + token, "inner-" + token[::-1]
    to = "".join("<%s>%s</%s>" % (field.capitalize(), address_xml(kind, value), field.capitalize())
                 for field, kind, value in recipients)
    soap = envelope(transaction, namespace, (
        '<DeliverReq xmlns="%s"><MM7Version>%s</MM7Version><MMSRelayServerID>%s</MMSRelayServerID><VASPID>%s</VASPID>'
        "<VASID>%s</VASID><LinkedID>%s</LinkedID><Sender>%s</Sender><Recipients>%s</Recipients><TimeStamp>%s</TimeStamp>"
        "<Priority>%s</Priority>%s"
        '<Content href="cid:mo-%s@%s"/></DeliverReq>') % (
            namespace, version, server, vaspid, vasid, linked, address_xml(*sender), to, when, priority,
            "<Subject>%s</Subject>" % escape(subject) if subject is not None else "", token, server))
    lines = [b"--" + outer.encode(), b'Content-Type: text/xml; charset="utf-8"', b"Content-ID: <soap-%s@%s>" % (
        token.encode(), server.encode()), b"", soap, b"--" + outer.encode()]
    if smil is not None:
        kind = 'multipart/related; boundary="%s"; type="application/smil"; start="<%s>"' % (inner, parts[smil].content_id)
    else:
        kind = 'multipart/mixed; boundary="%s"' % inner
    lines += [b"Content-Type: " + kind.encode(), b"Content-ID: <mo-%s@%s>" % (token.encode(), server.encode()), b""]
    for part in parts:
        extra = "".join('; %s="%s"' % item for item in part.params.items() if item[0] in ("charset", "name"))
        lines += [b"--" + inner.encode(), ("Content-Type: %s%s" % (part.media, extra)).encode("utf-8")]
        if part.content_id:
            lines.append(("Content-ID: <%s>" % part.content_id).encode("utf-8"))
        if part.location:
            lines.append(("Content-Location: %s" % part.location).encode("utf-8"))
        lines += [b"Content-Transfer-Encoding: binary", b"", part.data]
    lines += [b"--" + inner.encode() + b"--", b"--" + outer.encode() + b"--", b""]
    content_type = 'multipart/related; boundary="%s"; type="text/xml"; start="<soap-%s@%s>"' % (outer, token, server)
    return content_type, b"\r\n".join(lines)


def delivery_report(transaction, namespace, version, server, message_id, recipient, sender, when, status):
    body = ('<DeliveryReportReq xmlns="%s"><MM7Version>%s</MM7Version><MMSRelayServerID>%s</MMSRelayServerID>'
            "<MessageID>%s</MessageID><Recipient>%s</Recipient><Sender>%s</Sender><Date>%s</Date><MMStatus>%s</MMStatus>"
            "</DeliveryReportReq>") % (namespace, version, server, escape(message_id), address_xml(*recipient),
                                       address_xml(*sender), when, status)
    return envelope(transaction, namespace, body)


def parse_response(content_type, body, transaction, name):
    """StatusCode of a DeliverRsp or DeliveryReportRsp (or of a Fault's VASPErrorRsp); Refusal when it is no valid answer."""
    media, _ = parse_content_type(content_type or "")
    if media != "text/xml":
        raise Refusal(4004, "answer of type %s" % media)
    answered, message = open_envelope(parse_xml(body))
    if answered != transaction:
        raise Refusal(4004, "answer to transaction %s" % answered)
    if message.tag == "{%s}Fault" % SOAP:
        code = message.find(".//{*}VASPErrorRsp/{*}Status/{*}StatusCode")
        if code is None:
            raise Refusal(4004, "Fault without VASPErrorRsp")
        return int(text_of(code)), "Fault"
    if local(message) != name:
        raise Refusal(4004, "answer %s" % local(message))
    found = check_order(message, DELIVER_RSP_ORDER if name == "DeliverRsp" else REPORT_RSP_ORDER)
    status = {local(child): text_of(child) for child in found["Status"] if isinstance(child.tag, str)}
    if not re.fullmatch(r"[1-9]\d{3}", status.get("StatusCode", "")):
        raise Refusal(4004, "StatusCode %r" % status.get("StatusCode"))
    return int(status["StatusCode"]), status.get("StatusText", "")
