// What convert itself can find broken; unreadable mail comes with the rows of codec/mime.
#pragma once

#include "core/result.h"

namespace pushmail::convert {

inline constexpr ErrorInfo convert_no_sender{"convert.no_sender", "a mail needs a sender address, and the route gave none",
                                             "RFC 5322 §3.6.2", Fault::us};
inline constexpr ErrorInfo convert_hidden_sender{"convert.hidden_sender", "the sender wants to stay unknown, and a mail cannot do that",
                                                 "RFC 4356 §2.1.1"};
inline constexpr ErrorInfo convert_reply_charging{
    "convert.reply_charging", "the message uses a reply that others pay for, and a mail cannot do that", "RFC 4356 §2.1.1"};
inline constexpr ErrorInfo convert_mail_loop{"convert.mail_loop", "the mail has more trace fields than any road is long",
                                             "RFC 4356 §2.1.2"};
inline constexpr ErrorInfo convert_sensitive{
    "convert.sensitive", "the mail is personal, private or confidential, and such mail is not passed on to phones here", "RFC 4356 §2.1.2"};
inline constexpr ErrorInfo convert_required_part{
    "convert.required_part", "a part that the mail must not go without cannot be in a multimedia message", "RFC 3459 §5"};
inline constexpr ErrorInfo convert_html_too_large{"convert.html_too_large", "the page has more than 1 MiB of text; the rest is not read",
                                                  "", Fault::peer};
inline constexpr ErrorInfo convert_html_too_deep{
    "convert.html_too_deep", "elements are nested more than 512 deep; deeper ones are read as if they stood beside each other", "",
    Fault::peer};
inline constexpr ErrorInfo convert_html_hidden{"convert.html_hidden", "the page's styles hide all of its text; it is shown all the same",
                                               "", Fault::peer};
inline constexpr ErrorInfo convert_html_unfinished{
    "convert.html_unfinished", "all text of the page stands in a comment or a tag that never ends; it is shown all the same", "",
    Fault::peer};
inline constexpr ErrorInfo convert_no_calendar{"convert.no_calendar", "no VCALENDAR stands in it", "RFC 5545 §3.4", Fault::peer};
inline constexpr ErrorInfo convert_calendar_empty{"convert.calendar_empty", "no event or task with a title or a start stands in it",
                                                  "RFC 5545 §3.6", Fault::peer};

}  // namespace pushmail::convert
