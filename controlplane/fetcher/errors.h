// The rules that a mailbox session can find broken, and the state word that each one puts the mailbox into.
#pragma once

#include "core/result.h"

namespace pushmail::mailbox {

inline constexpr ErrorInfo mailbox_unreachable{"mailbox.unreachable", "the mail server cannot be reached", "", Fault::world,
                                               Lasting::temporary};
inline constexpr ErrorInfo mailbox_timeout{"mailbox.timeout", "the mail server did not answer in time", "", Fault::peer,
                                           Lasting::temporary};
inline constexpr ErrorInfo mailbox_closed{"mailbox.closed", "the mail server closed the connection", "", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo mailbox_busy{"mailbox.busy", "the mail server refuses service for now", "RFC 5530 §3", Fault::peer,
                                        Lasting::temporary};
inline constexpr ErrorInfo mailbox_stopped{"mailbox.stopped", "the session was ended by us", "", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo mailbox_tls{"mailbox.tls", "no trusted TLS connection came about", "RFC 8314 §3", Fault::peer,
                                       Lasting::temporary};
inline constexpr ErrorInfo mailbox_auth{"mailbox.auth", "the mail server refuses user or password", "RFC 3501 §6.2.3", Fault::peer,
                                        Lasting::permanent};
inline constexpr ErrorInfo mailbox_login{"mailbox.login", "the mail server refuses the log-in and does not say why", "RFC 3501 §6.2.3",
                                         Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo mailbox_folder{"mailbox.folder", "the mail server does not open the folder", "RFC 3501 §6.3.1", Fault::peer,
                                          Lasting::temporary};
inline constexpr ErrorInfo mailbox_argument{"mailbox.argument", "a user, password, folder or UID with bytes that may not go on the wire",
                                            "RFC 3501 §9", Fault::us, Lasting::permanent};
inline constexpr ErrorInfo mailbox_protocol{"mailbox.protocol", "the mail server's answer breaks its protocol", "RFC 3501 §7", Fault::peer,
                                            Lasting::temporary};
inline constexpr ErrorInfo mailbox_refused{"mailbox.refused", "the mail server refuses the command", "RFC 3501 §7.1.2", Fault::peer,
                                           Lasting::temporary};
inline constexpr ErrorInfo mailbox_line_too_long{"mailbox.line_too_long", "a line of the answer is longer than the limit", "", Fault::peer,
                                                 Lasting::temporary};
inline constexpr ErrorInfo mailbox_literal_too_long{"mailbox.literal_too_long", "a literal is longer than what was asked for",
                                                    "RFC 3501 §4.3", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo mailbox_answer_too_long{"mailbox.answer_too_long", "the answer is longer than the command's budget", "",
                                                   Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo mailbox_too_deep{"mailbox.too_deep", "the answer has too many parentheses", "", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo mailbox_bad_byte{"mailbox.bad_byte", "a NUL or a lone CR in a line of the answer", "RFC 3501 §9", Fault::peer,
                                            Lasting::temporary};
inline constexpr ErrorInfo mailbox_gone{"mailbox.gone", "the mail is no longer in the mailbox", "", Fault::world, Lasting::permanent};
inline constexpr ErrorInfo mailbox_too_large{"mailbox.too_large", "the mail is larger than the limit", "", Fault::world,
                                             Lasting::permanent};
inline constexpr ErrorInfo mailbox_unreadable{"mailbox.unreadable", "the mail server does not hand out this mail", "", Fault::peer,
                                              Lasting::permanent};
inline constexpr ErrorInfo mailbox_no_uidl{"mailbox.no_uidl", "no_uidl: the server gives mails no names, and they cannot be told apart",
                                           "RFC 1939 §7", Fault::peer, Lasting::permanent};
inline constexpr ErrorInfo mailbox_no_descriptor{
    "mailbox.no_descriptor", "the fetcher has no descriptor left for a connection; a higher limit of open files or mailbox.fetchers helps",
    "", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo mailbox_no_credit{"mailbox.no_credit", "the control plane gave no credit in time", "", Fault::us,
                                             Lasting::temporary};
inline constexpr ErrorInfo mailbox_unsupported{"mailbox.unsupported", "this mailbox's protocol cannot do that", "", Fault::us,
                                               Lasting::permanent};
inline constexpr ErrorInfo mailbox_record{"mailbox.record", "a record without a field that it needs, or with a word that is none", "",
                                          Fault::us, Lasting::permanent};

}  // namespace pushmail::mailbox
