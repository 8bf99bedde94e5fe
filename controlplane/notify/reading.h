// Characters as a person reads them: whatever looks like a Latin letter or counts as a number, in any script. Used by foreign.cpp, which
// has to find what reads like an instruction. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pushmail::notify {

/// The Latin letter in lower case that a reader sees; 0: another letter or none.
[[nodiscard]] char latin_of(char32_t c);

/// The ASCII digits that a reader sees: of every script (Unicode category Nd), raised, lowered, circled, in brackets or with a full stop
/// (No), Roman (Nl). Empty: no number.
[[nodiscard]] std::string numeral_of(char32_t c);
/// The digits of Chinese and Japanese, which are words and parts of words as well: a number only where two stand together.
[[nodiscard]] bool is_ideographic_numeral(char32_t c);

/// In lower case and without accents, so that a word has one form; 0: nothing is left (a combining mark).
[[nodiscard]] char32_t folded(char32_t c);

}  // namespace pushmail::notify
