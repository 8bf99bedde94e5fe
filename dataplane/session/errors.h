// The rules that sessions can find broken, on the wire and by the clock. What a row is answered with stands in the grammars' tables
// (http::status_of, smtp::reply_of); its class alone decides whether the relay tries again.
#pragma once

#include "core/result.h"

namespace pushmail {

// HTTP, both roles.
inline constexpr ErrorInfo http_bad_line_end{"http.bad_line_end", "a line of the head does not end with CRLF", "RFC 9112 §2.2"};
inline constexpr ErrorInfo http_bad_byte{"http.bad_byte", "a control byte in the head", "RFC 9110 §5.5"};
inline constexpr ErrorInfo http_bad_request_line{"http.bad_request_line", "the request line is not `METHOD target HTTP/1.x`",
                                                 "RFC 9112 §3"};
inline constexpr ErrorInfo http_bad_status_line{"http.bad_status_line", "the status line is not `HTTP/1.x nnn reason`", "RFC 9112 §4"};
inline constexpr ErrorInfo http_bad_version{"http.bad_version", "an HTTP version other than 1.0 and 1.1", "RFC 9110 §15.6.6"};
inline constexpr ErrorInfo http_bad_field{"http.bad_field", "a field without colon, with an empty name or with a blank in the name",
                                          "RFC 9112 §5.1"};
inline constexpr ErrorInfo http_folded_field{"http.folded_field", "a field continues on a second line", "RFC 9112 §5.2"};
inline constexpr ErrorInfo http_head_too_large{"http.head_too_large", "the head has too many bytes or fields", "RFC 6585 §5"};
inline constexpr ErrorInfo http_bad_host{"http.bad_host", "HTTP/1.1 needs exactly one Host", "RFC 9112 §3.2"};
inline constexpr ErrorInfo http_repeated_field{"http.repeated_field", "a field that may stand once is there twice", "RFC 9110 §5.3"};
inline constexpr ErrorInfo http_bad_length{"http.bad_length", "Content-Length is not one plain number", "RFC 9112 §6.3"};
inline constexpr ErrorInfo http_bad_coding{"http.bad_coding", "a transfer coding other than one `chunked` in HTTP/1.1", "RFC 9112 §6.1"};
inline constexpr ErrorInfo http_two_framings{"http.two_framings", "Content-Length beside Transfer-Encoding", "RFC 9112 §6.3"};
inline constexpr ErrorInfo http_bad_chunk{"http.bad_chunk", "a chunk is not framed by the rules", "RFC 9112 §7.1"};
inline constexpr ErrorInfo http_body_too_large{"http.body_too_large", "the body is longer than the limit", "RFC 9110 §15.5.14"};
inline constexpr ErrorInfo http_bad_gzip{"http.bad_gzip", "the body is not gzip, or not whole", "RFC 1952 §2.3"};
inline constexpr ErrorInfo http_bad_url{"http.bad_url", "not http://host[:port][/path], or https://", "RFC 9110 §4.2.1", Fault::us};

// HTTP, as client.
inline constexpr ErrorInfo http_no_connection{"http.no_connection", "the peer cannot be reached", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo http_connect_late{"http.connect_late", "the connection did not open in time", "", Fault::world,
                                             Lasting::temporary};
inline constexpr ErrorInfo http_answer_late{"http.answer_late", "no answer in time", "", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo http_answer_cut{"http.answer_cut", "the connection ended before the answer", "", Fault::peer,
                                           Lasting::temporary};
inline constexpr ErrorInfo http_closing{"http.closing", "the client is closing", "", Fault::us, Lasting::temporary};

// SMTP, both roles.
inline constexpr ErrorInfo smtp_bad_line_end{"smtp.bad_line_end", "a line does not end with CRLF", "RFC 5321 §2.3.8"};
inline constexpr ErrorInfo smtp_line_too_long{"smtp.line_too_long", "the line is longer than the limit", "RFC 5321 §4.5.3.1.4"};
inline constexpr ErrorInfo smtp_bad_byte{"smtp.bad_byte", "a control byte in a command or reply", "RFC 5321 §4.1.2"};
inline constexpr ErrorInfo smtp_unknown_command{"smtp.unknown_command", "no such command", "RFC 5321 §4.2.4"};
inline constexpr ErrorInfo smtp_bad_argument{"smtp.bad_argument", "the command's argument is missing or malformed", "RFC 5321 §4.1.1"};
inline constexpr ErrorInfo smtp_bad_path{"smtp.bad_path", "not a mail address in angle brackets", "RFC 5321 §4.1.2"};
inline constexpr ErrorInfo smtp_needs_utf8{"smtp.needs_utf8", "a non-ASCII address without SMTPUTF8", "RFC 6531 §3.5"};
inline constexpr ErrorInfo smtp_bad_parameter{"smtp.bad_parameter", "a parameter is malformed or appears twice", "RFC 5321 §4.1.1.11"};
inline constexpr ErrorInfo smtp_unknown_parameter{"smtp.unknown_parameter", "a parameter that was not offered", "RFC 5321 §4.1.1.11"};
inline constexpr ErrorInfo smtp_bad_chunk{"smtp.bad_chunk", "BDAT without a size, or with another word than LAST behind it", "RFC 3030 §2"};
inline constexpr ErrorInfo smtp_too_large{"smtp.too_large", "the mail is larger than the limit", "RFC 1870 §6.1"};
inline constexpr ErrorInfo smtp_bad_reply{"smtp.bad_reply", "the reply is not `nnn text` lines of one code", "RFC 5321 §4.2"};

// SMTP, as client.
inline constexpr ErrorInfo smtp_no_connection{"smtp.no_connection", "the host cannot be reached", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo smtp_reply_late{"smtp.reply_late", "no reply in time", "RFC 5321 §4.5.3.2", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo smtp_reply_cut{"smtp.reply_cut", "the connection ended before the reply", "", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo smtp_no_starttls{"smtp.no_starttls", "the host does not take STARTTLS, which is required", "RFC 3207 §4.1",
                                            Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo smtp_injected{"smtp.injected", "more came with the reply to STARTTLS, not encrypted", "RFC 3207 §4.2",
                                         Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo smtp_no_login{"smtp.no_login", "the host offers no log-in that we have", "RFC 4954 §3", Fault::peer,
                                         Lasting::temporary};
inline constexpr ErrorInfo smtp_bad_login{"smtp.bad_login", "the host asks more than the mechanism has to say", "RFC 4954 §4", Fault::peer,
                                          Lasting::temporary};
inline constexpr ErrorInfo smtp_login_in_clear{"smtp.login_in_clear", "the connection is not encrypted, and the password would be read",
                                               "RFC 4954 §9", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo smtp_no_secret{"smtp.no_secret", "the password or token cannot be read", "", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo smtp_closing{"smtp.closing", "the client is closing", "", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo smtp_bad_envelope{"smtp.bad_envelope", "no recipient, or an address that cannot stand in a command",
                                             "RFC 5321 §4.1.2", Fault::us};

}  // namespace pushmail
