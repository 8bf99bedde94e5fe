#include "controlplane/retrieve/instruction.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "codec/sms/gsm.h"
#include "controlplane/notify/reading.h"
#include "core/ascii.h"
#include "core/bytes.h"
#include "core/typed_text.h"

namespace pushmail::retrieve {

namespace {

using Kind = Instruction::Kind;

constexpr std::size_t code_length_max = 4;
constexpr std::size_t read_max = 1000;  // characters; a code stands in front
constexpr std::size_t command_words_max = 2;

// Words, as notify::folded leaves them.
constexpr auto fetch_words = std::to_array<std::u32string_view>({U"get", U"read", U"fetch", U"reply"});
// What a code may be called in front of it.
constexpr auto code_names = std::to_array<std::u32string_view>({U"code", U"mail", U"email", U"message", U"msg", U"nr"});
// What is written against a code without a blank.
constexpr auto courtesies = std::to_array<std::u32string_view>(
    {U"pls", U"plz", U"please", U"thx", U"tx", U"ty", U"thanks", U"ok", U"bitte", U"danke", U"merci", U"svp", U"stp", U"gracias"});
// Whoever writes one of them in front of a code does not want the mail; `no` may be short for number.
struct Refusal {
  std::u32string_view word;
  bool before_verb;  // also with one word between: not send 17
};
constexpr auto refusals = std::to_array<Refusal>({
    {U"not", true},    {U"dont", true},  {U"never", true},  {U"ignore", false}, {U"skip", false}, {U"delete", false},
    {U"nicht", false}, {U"kein", false}, {U"keine", false}, {U"pas", false},    {U"nao", true},   {U"niet", false},
    {U"geen", false},  {U"inte", true},  {U"ikke", true},   {U"nie", true},     {U"не", true},    {U"нет", false},
    {U"ne", true},     {U"non", true},   {U"degil", false}, {U"لا", true},      {U"不要", false},
});
struct Command {
  std::u32string_view word;
  Kind kind;
};
constexpr auto commands = std::to_array<Command>({
    {U"stop", Kind::stop},     {U"stopall", Kind::stop},  {U"unsubscribe", Kind::stop}, {U"cancel", Kind::stop},
    {U"end", Kind::stop},      {U"quit", Kind::stop},     {U"revoke", Kind::stop},      {U"optout", Kind::stop},
    {U"stopp", Kind::stop},    {U"arret", Kind::stop},    {U"arreter", Kind::stop},     {U"baja", Kind::stop},
    {U"parar", Kind::stop},    {U"pare", Kind::stop},     {U"alto", Kind::stop},        {U"basta", Kind::stop},
    {U"fim", Kind::stop},      {U"sair", Kind::stop},     {U"стоп", Kind::stop},        {U"dur", Kind::stop},
    {U"cancelar", Kind::stop}, {U"annuler", Kind::stop},  {U"abmelden", Kind::stop},    {U"abbestellen", Kind::stop},
    {U"stoppen", Kind::stop},  {U"afmelden", Kind::stop}, {U"avsluta", Kind::stop},     {U"отписаться", Kind::stop},
    {U"עצור", Kind::stop},     {U"הסר", Kind::stop},      {U"取消", Kind::stop},        {U"iptal", Kind::stop},
    {U"توقف", Kind::stop},     {U"停止", Kind::stop},     {U"退订", Kind::stop},        {U"start", Kind::start},
    {U"unstop", Kind::start},  {U"старт", Kind::start},   {U"help", Kind::help},        {U"info", Kind::help},
    {U"aide", Kind::help},     {U"ayuda", Kind::help},    {U"hilfe", Kind::help},       {U"ajuda", Kind::help},
    {U"aiuto", Kind::help},    {U"hulp", Kind::help},     {U"hjalp", Kind::help},       {U"apua", Kind::help},
    {U"pomoc", Kind::help},    {U"yardim", Kind::help},   {U"помощь", Kind::help},      {U"مساعدة", Kind::help},
    {U"帮助", Kind::help},
});

// Full stops, commas and question marks that stand among the letters of their script.
bool is_sign_of_script(char32_t c) {
  constexpr std::u32string_view signs =
      U"\u0589\u05BE\u05C3\u060C\u061B\u061F\u066A\u066B\u066C\u06D4\u0964\u0965\u0970\u0E2F\u0E5A\u0F0B\u0F0D\u104A\u104B\u1361\u1362"
      U"\u1363\u17D4"
      U"\u17D5\u1802\u1803\u3001\u3002\uA8CE\uA8CF";
  return signs.contains(c);
}
bool is_word_letter(char32_t c) {
  if (is_sign_of_script(c)) return false;
  return (c >= 'a' && c <= 'z') || (c >= 0xC0 && c < 0x2000 && c != 0xD7 && c != 0xF7) || (c >= 0x2C00 && c < 0x2E00) ||
         (c >= 0x3040 && c < 0xD7FF) || (c >= 0xF900 && c < 0xFE00) || (c >= 0xFE70 && c < 0xFF00);
}

bool is_one_of(std::span<const std::u32string_view> words, std::u32string_view text) {
  return std::ranges::find(words, text) != words.end();
}
bool is_fetch_word(std::u32string_view text) { return is_one_of(fetch_words, text); }

std::u32string_view without_blanks(std::u32string_view line) {
  const std::size_t first = line.find_first_not_of(U' ');
  return first == std::u32string_view::npos ? std::u32string_view() : line.substr(first, line.find_last_not_of(U' ') - first + 1);
}

// The first lines with something in them that are no quotations, as a person reads them; at most two.
std::vector<std::u32string> lines_of(std::string_view utf8) {
  constexpr std::size_t line_count_max = 2;
  const Bytes utf16 = sms::encode_ucs2(utf8.substr(0, 4 * read_max));
  std::vector<std::u32string> lines;
  std::u32string line;
  const auto end_line = [&] {
    const std::size_t first = line.find_first_not_of(U' ');
    const bool says_something = first != std::u32string::npos && line[first] != '>' && line[first] != U'›';
    if (says_something) lines.push_back(std::move(line));
    line.clear();
  };
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) {
    char32_t c = load<std::uint16_t>(utf16.data() + i, std::endian::big);
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < utf16.size()) {
      c = 0x10000 + ((c - 0xD800) << 10) + (load<std::uint16_t>(utf16.data() + i + 2, std::endian::big) - 0xDC00U);
      i += 2;
    }
    if (is_typed_line_end(c)) {
      end_line();
      if (lines.size() == line_count_max) return lines;
    } else if (is_typed_unseen(c)) {
      continue;
    } else if (const std::string digits = notify::numeral_of(c); !digits.empty()) {
      for (const char digit : digits) line += static_cast<char32_t>(digit);
    } else if (is_typed_blank(c)) {
      line += U' ';
    } else if (const char32_t folded = notify::folded(c); folded != 0) {
      line += folded;
    }
  }
  end_line();
  return lines;
}

struct Word {
  std::u32string text;
  std::size_t begin = 0;
  bool digits = false;
};
// Runs of letters and runs of digits.
std::vector<Word> words_of(std::u32string_view line) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool digit = is_digit(line[i]);
    if (!digit && !is_word_letter(line[i])) continue;
    const bool goes_on = !words.empty() && words.back().begin + words.back().text.size() == i && words.back().digits == digit;
    if (goes_on) {
      words.back().text += line[i];
    } else {
      words.push_back({.text = std::u32string(1, line[i]), .begin = i, .digits = digit});
    }
  }
  return words;
}

// Scripts that put no blanks between words, or none in front of their particles: Han, Kana, Hangul, Thai, Lao, Burmese, Khmer. A number
// among their letters is a word of its own.
bool is_letter_without_blanks(char32_t c) {
  return (c >= 0x3040 && c < 0xA000) || (c >= 0xAC00 && c < 0xD7B0) || (c >= 0xF900 && c < 0xFB00) || (c >= 0x0E00 && c < 0x0F00) ||
         (c >= 0x1000 && c < 0x10A0) || (c >= 0x1780 && c < 0x1800) || c >= 0x20000;
}

const Refusal* refusal_of(const std::vector<Word>& words, std::size_t index) {
  const Word& word = words[index];
  // `don't` is two words, and Don is a name.
  const bool is_dont = word.text == U"t" && index > 0 && words[index - 1].text == U"don";
  const auto* const row = std::ranges::find_if(refusals, [&](const Refusal& one) {
    return is_dont ? one.word == U"dont"
                   : word.text == one.word || (is_letter_without_blanks(one.word.front()) && word.text.contains(one.word));
  });
  return row == refusals.end() ? nullptr : row;
}

// `not 17`, `don't send 17`; not `did not get 17`, and not `no problem, 17`.
bool is_refused(std::u32string_view line, const std::vector<Word>& words, std::size_t code) {
  constexpr std::u32string_view pauses = U",;:.!?";
  constexpr auto openers = std::to_array<std::u32string_view>({U"do", U"please", U"pls", U"don", U"ok", U"bitte"});
  for (const std::size_t back : {1U, 2U}) {
    if (code < back) break;
    const std::size_t at = code - back;
    const Refusal* const refusal = refusal_of(words, at);
    if (refusal == nullptr ||
        line.substr(words[at].begin, words[code].begin - words[at].begin).find_first_of(pauses) != std::u32string_view::npos)
      continue;
    const bool is_order = at == 0 || is_one_of(openers, words[at - 1].text);
    if (back == 1 || (refusal->before_verb && is_order)) return true;
  }
  return false;
}

// Whether a number stands for itself: no part of a word, a time, a date, a price or a larger number.
bool stands_alone(std::u32string_view line, const std::vector<Word>& words, std::size_t index) {
  const Word& word = words[index];
  constexpr std::u32string_view joints = U".,:/-'’=*", units = U"%°€$£¥₹₽+";
  // What makes a time, a date, a price or a count of a number in front of it.
  constexpr std::u32string_view counters = U"年月日点點時时分秒元円块塊个個人件本枚回次岁歳层階楼년월일시분초원개명";
  const auto at = [&](std::size_t place) { return place < line.size() ? line[place] : U' '; };
  const std::size_t end = word.begin + word.text.size();
  const char32_t before = word.begin == 0 ? U' ' : line[word.begin - 1];
  const auto is_of_word = [](char32_t c) { return is_word_letter(c) && !is_letter_without_blanks(c); };
  // `ok17`, `17pls`.
  const bool is_polite_before = index > 0 && (is_one_of(courtesies, words[index - 1].text) || is_one_of(code_names, words[index - 1].text));
  const bool is_polite_behind = index + 1 < words.size() && is_one_of(courtesies, words[index + 1].text);
  if ((is_of_word(before) && !is_polite_before) || (is_of_word(at(end)) && !is_polite_behind) || counters.contains(at(end)) ||
      units.contains(before) || units.contains(at(end)))
    return false;
  const bool joined_before = joints.contains(before) && word.begin >= 2 && is_digit(line[word.begin - 2]);
  return !joined_before && !(joints.contains(at(end)) && is_digit(at(end + 1)));
}

std::string ascii_of(std::u32string_view digits) { return {digits.begin(), digits.end()}; }

// `17`, `get 17`, `get17`, with whatever people and helpful keyboards put around it.
bool is_bare(std::u32string_view line, const std::vector<Word>& words) {
  constexpr std::u32string_view around = U" \"'.,!?#()[]{}<>*~|_«»“”„‘’";
  const bool shape = words.size() == 1
                         ? words[0].digits
                         : words.size() == 2 && (is_fetch_word(words[0].text) || is_one_of(code_names, words[0].text)) && words[1].digits;
  if (!shape || words.back().text.size() > code_length_max) return false;
  return std::ranges::all_of(line,
                             [&](char32_t c) { return is_digit(c) || is_word_letter(c) || around.contains(c) || is_sign_of_script(c); });
}

// A reaction repeats the message that it is about: `Liked “...”`, `👍 to “...”`, `„...“ gefällt mir`. Nobody asks for a mail by what
// stands between such marks; around less than a few words they are decoration.
std::u32string without_quotation(std::u32string line) {
  constexpr std::u32string_view marks = U"\"“”„‟«»「」『』";
  constexpr std::size_t quoted_words_min = 3;
  const std::size_t begin = line.find_first_of(marks);
  if (begin == std::u32string::npos) return line;
  const std::size_t last = line.find_last_of(marks);
  const std::size_t end = last == begin ? line.size() : last;
  std::u32string outside = line.substr(0, begin) + U' ' + line.substr(end);
  const bool quotes =
      words_of(std::u32string_view(line).substr(begin, end - begin)).size() >= quoted_words_min && !words_of(outside).empty();
  return quotes ? outside : line;
}

// `stop texting me`, `remove me`: more words than a command has, and no doubt what they ask for.
bool asks_for_an_end(const std::vector<Word>& words) {
  constexpr auto ended =
      std::to_array<std::u32string_view>({U"texting", U"texts", U"sending", U"messaging", U"messages", U"sms", U"notifying",
                                          U"notifications", U"bothering", U"contacting", U"this", U"these"});
  constexpr std::size_t request_words_max = 6;
  if (words.size() < 2 || words.size() > request_words_max || std::ranges::any_of(words, &Word::digits)) return false;
  if (words[0].text == U"remove" && words[1].text == U"me") return true;
  return words[0].text == U"stop" && std::ranges::find(ended, std::u32string_view(words[1].text)) != ended.end();
}

Kind command_in(std::u32string_view line, const std::vector<Word>& words) {
  if (words.empty() && line.contains(U'?')) return Kind::help;
  if (asks_for_an_end(words)) return Kind::stop;
  if (words.empty() || words.size() > command_words_max) return Kind::unknown;
  const auto kind_of = [](std::u32string_view word) {
    const auto* const row = std::ranges::find(commands, word, &Command::word);
    return row == commands.end() ? Kind::unknown : row->kind;
  };
  if (std::ranges::any_of(words, &Word::digits)) {
    // `STOP 17`, `17 stop`: whatever else he means, he does not ask for the mail.
    const Kind first = kind_of(words.front().text), last = kind_of(words.back().text);
    return first == Kind::stop || last == Kind::stop ? Kind::stop : first == Kind::help ? Kind::help : Kind::unknown;
  }
  std::u32string whole;  // `opt out` is `optout`
  for (const Word& word : words) {
    if (const Kind kind = kind_of(word.text); kind != Kind::unknown) return kind;
    whole += word.text;
  }
  return kind_of(whole);
}

// `Hello,` and the code below it. A line of words says nothing about the one behind it.
bool is_greeting(const std::vector<Word>& words) {
  constexpr std::size_t greeting_words_max = 3;
  return words.size() <= greeting_words_max && std::ranges::none_of(words, &Word::digits);
}

// `stop sending 17`, `STOP 17 please`: no command for sure, and no request either.
bool begins_with_stop(const std::vector<Word>& words) {
  constexpr std::size_t words_max = 4;
  if (words.empty() || words.size() > words_max) return false;
  const auto* const row = std::ranges::find(commands, std::u32string_view(words[0].text), &Command::word);
  return row != commands.end() && row->kind == Kind::stop;
}

}  // namespace

Instruction parse_instruction(std::string_view utf8, std::span<const std::string> codes) {
  const std::vector<std::u32string> lines = lines_of(utf8);
  if (lines.empty()) return {};
  // `get` and the code in the next line are one instruction.
  const bool goes_on = lines.size() > 1 && is_fetch_word(without_blanks(lines[0]));
  const std::u32string line = goes_on ? lines[0] + U' ' + lines[1] : without_quotation(lines[0]);
  const std::vector<Word> words = words_of(line);
  if (is_bare(line, words)) return {.kind = Kind::get, .code = ascii_of(words.back().text), .is_bare = true};
  if (const Kind kind = command_in(line, words); kind != Kind::unknown) return {.kind = kind};
  if (begins_with_stop(words)) return {};
  Instruction found;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].digits || !stands_alone(line, words, i)) continue;
    if (is_refused(line, words, i)) return {};
    std::string code = ascii_of(words[i].text);
    if (std::ranges::find(codes, code) == codes.end() || code == found.code) continue;
    // Two codes: nobody knows which mail is meant.
    if (found.kind == Kind::get) return {};
    found = {.kind = Kind::get, .code = std::move(code)};
  }
  if (lines.size() > 1 && is_greeting(words)) {
    const std::vector<Word> below = words_of(lines[1]);
    if (is_bare(lines[1], below) && std::ranges::find(codes, ascii_of(below.back().text)) != codes.end())
      return {.kind = Kind::get, .code = ascii_of(below.back().text)};
  }
  return found;
}

}  // namespace pushmail::retrieve
