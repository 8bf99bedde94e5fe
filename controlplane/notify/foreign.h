// Words that strangers chose (names, subjects, replies of other servers), made fit to stand in an SMS of ours.
//
// Came from: mail headers and other servers. Goes to: texts.cpp. Three things make sure that nobody takes them for our own words: what a
// screen obeys is left out, they stand in double quotes, of which they contain none, and what reads like an instruction or a sentence of
// ours is changed so that it does not: `Reply ## to get_it`, `Antworten Sie ##`, `回复##`. The words are a table (instruction_words.h); a
// number is whatever a person reads as one (reading.h), but for times, dates and prices. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pushmail::notify {

/// Without control characters (C0, C1), line ends, characters that nobody sees and marks that reorder text; spaces folded; at most
/// `length_max` characters (then it ends in three dots). What is not UTF-8 is left out.
[[nodiscard]] std::string clean(std::string_view utf8, std::size_t length_max);

/// Cleaned, in double quotes, without instructions. `service_number`: digits that only we may name; empty: none.
[[nodiscard]] std::string quoted(std::string_view utf8, std::size_t length_max, std::string_view service_number = {});

/// `joe@example.com` as it is when it is a plain address (RFC 5322 dot-atom, RFC 6531 letters), else quoted.
[[nodiscard]] std::string shown_address(std::string_view address, std::size_t length_max);

/// Whether the name pretends to be an address: it has an @, or something that looks like one.
[[nodiscard]] bool claims_address(std::string_view name);

}  // namespace pushmail::notify
