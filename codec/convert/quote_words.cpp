// The table, and its words sorted by first byte at compile time, so that a line is compared with the few that it can begin with.
#include "codec/convert/quote_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::convert {
namespace {

/// The words of one language, several divided by `|`. Programs whose words are those of their language: Outlook (fields), Gmail and Apple
/// (introductions), Thunderbird, Hotmail, Zoho, Yandex, Samsung, K-9, Proton, QQ, Naver (original and forwarded lines).
struct Language {
  std::string_view code;  // BCP 47
  std::string_view from, date, to, copy, subject;
  std::string_view wrote;
  std::string_view original, forwarded;
  std::string_view start;  // of an introduction
};

constexpr auto languages = std::to_array<Language>({
    {"en", "From", "Sent|Date|Sent at", "To", "Cc|CC|Bcc", "Subject", "wrote|writes",
     "Original Message|Original message|Original Appointment|Original email|Original mail",
     "Forwarded message|Forwarded Message|forwarded message|Forwarded by|Forwarded mail", "On |At "},
    {"de", "Von", "Gesendet|Datum|Gesendet am", "An", "Cc|Kopie", "Betreff", "schrieb|schrieben|hat geschrieben",
     "Ursprüngliche Nachricht|Originalnachricht|Original-Nachricht|Original Nachricht|Ursprüngliche Mail",
     "Weitergeleitete Nachricht|weitergeleiteten Nachricht|Weitergeleitet", "Am "},
    {"fr", "De|Expéditeur", "Envoyé|Date|Envoyé le", "À|A|Pour", "Cc|Copie à", "Objet|Sujet", "a écrit|écrit|écrivait",
     "Message d'origine|Message d’origine|Message original|Message initial",
     "Message transféré|Message transmis|message réexpédié|message transféré", "Le "},
    {"es", "De", "Enviado|Enviado el|Enviada el|Fecha", "Para|A", "CC|Cc", "Asunto", "escribió|ha escrito",
     "Mensaje original|Mensaje Original", "Mensaje reenviado|mensaje reenviado", "El "},
    {"it", "Da", "Inviato|Inviata|Data|Inviato il", "A", "Cc", "Oggetto", "ha scritto|scritto|scrisse|scrive",
     "Messaggio originale|Messaggio Originale", "Messaggio inoltrato|messaggio inoltrato", "Il |In data "},
    {"pt", "De", "Enviado|Enviada|Enviada em|Enviado em|Data", "Para", "Cc", "Assunto", "escreveu", "Mensagem original|Mensagem Original",
     "Mensagem encaminhada|Mensagem reencaminhada|mensagem encaminhada", "Em |No dia "},
    {"nl", "Van", "Verzonden|Verstuurd|Datum", "Aan", "Cc|CC", "Onderwerp", "schreef|geschreven",
     "Oorspronkelijk bericht|Oorspronkelijke bericht|Origineel bericht|Originele bericht", "Doorgestuurd bericht|doorgestuurd bericht",
     "Op "},
    {"sv", "Från", "Skickat|Skickades|Datum", "Till", "Kopia", "Ämne", "skrev", "Ursprungligt meddelande|Originalmeddelande",
     "Vidarebefordrat meddelande|vidarebefordrat meddelande", "Den "},
    {"da", "Fra", "Sendt|Dato", "Til", "Cc|Kopi", "Emne", "skrev", "Oprindelig meddelelse|Oprindelig besked|Original meddelelse",
     "Videresendt meddelelse|Videresendt besked|videresendt besked", "Den |D. "},
    {"nb", "Fra", "Sendt|Dato", "Til", "Kopi", "Emne", "skrev", "Opprinnelig melding|Original melding",
     "Videresendt melding|videresendt melding", "Den |På "},
    {"fi", "Lähettäjä|Lähettänyt", "Lähetetty|Päiväys|Päivä|Pvm", "Vastaanottaja|Kenelle", "Kopio", "Aihe", "kirjoitti",
     "Alkuperäinen viesti|Alkuperäinen sanoma", "Välitetty viesti|välitetty viesti", ""},
    {"pl", "Od|Nadawca", "Wysłano|Wysłane|Data", "Do", "DW|Do wiadomości", "Temat", "napisał|napisała|napisał(a)|pisze",
     "Wiadomość oryginalna|Oryginalna wiadomość|oryginalnej wiadomości",
     "Wiadomość przekazana|Przekazana wiadomość|przekazanej wiadomości|Przekazywana wiadomość", "W dniu |Dnia "},
    {"ru", "От|От кого", "Отправлено|Дата|Дата отправки", "Кому", "Копия", "Тема", "пишет|написал|написала|написал(а)|писал",
     "Исходное сообщение|Оригинальное сообщение|Исходное письмо",
     "Пересылаемое сообщение|Пересланное сообщение|Пересылаемое письмо|переадресованное сообщение", ""},
    {"uk", "Від|Від кого", "Надіслано|Дата", "Кому", "Копія", "Тема", "пише|написав|написала|написав(-ла)",
     "Початкове повідомлення|Оригінальне повідомлення|Вихідне повідомлення",
     "Переслане повідомлення|Пересланий лист|переслане повідомлення", ""},
    {"tr", "Kimden|Gönderen", "Gönderildi|Gönderme tarihi|Gönderim|Tarih", "Kime|Alıcı", "Bilgi", "Konu", "yazdı|şunu yazdı|şunları yazdı",
     "Özgün İleti|Özgün ileti|Orijinal İleti|Orijinal ileti|Orijinal mesaj|Orjinal mesaj",
     "Yönlendirilmiş ileti|Yönlendirilen ileti|İletilen ileti|iletilen ileti", ""},
    {"zh", "发件人|发送人|寄件者|寄件人|發件人", "发送时间|发送日期|日期|寄件日期|傳送時間|寄件時間|已發送", "收件人|收件者", "抄送|副本",
     "主题|主旨|主題", "写道|寫道|写到", "原始邮件|原始郵件|原邮件|原郵件", "转发的邮件|转发邮件|轉寄的郵件|轉寄郵件|转发信息", "在|于|於"},
    {"ja", "差出人|送信者", "送信日時|日時|日付|送信日", "宛先", "Cc|CC", "件名", "のメール|書きました|さんは書きました",
     "元のメッセージ|元のメール|オリジナルメッセージ", "転送メッセージ|転送されたメッセージ|転送されたメール", ""},
    {"ko", "보낸 사람|보낸사람|보낸이|발신", "보낸 날짜|보낸날짜|보낸 시간|날짜", "받는 사람|받는사람|받는이|수신", "참조", "제목",
     "작성|썼습니다", "원본 메시지|원본 메일|원본메일|원본 편지", "전달된 메시지|전달된 메일|전달 메시지", ""},
    {"cs", "Od|Odesílatel", "Odesláno|Datum", "Komu", "Kopie", "Předmět", "napsal|napsala|napsal(a)", "Původní zpráva|Původní e-mail",
     "Přeposlaná zpráva|Přeposílaná zpráva", "Dne "},
    {"sk", "Od", "Odoslané|Dátum", "Komu", "Kópia", "Predmet", "napísal|napísala|napísal(a)", "Pôvodná správa", "Preposlaná správa",
     "Dňa "},
    {"hu", "Feladó|Küldő", "Küldve|Elküldve|Dátum", "Címzett|Címzettek", "Másolat|Másolatot kap", "Tárgy", "írta", "Eredeti üzenet",
     "Továbbított üzenet|Továbbított levél", ""},
    {"ro", "De la", "Trimis|Data", "Către|Catre", "Cc", "Subiect", "a scris", "Mesaj original|Mesajul original",
     "Mesaj redirecționat|Mesaj redirecţionat|Mesaj transmis", "În |Pe "},
    {"el", "Από", "Στάλθηκε|Ημερομηνία", "Προς", "Κοιν.", "Θέμα", "έγραψε", "Αρχικό μήνυμα", "Προωθημένο μήνυμα", "Στις "},
    {"bg", "От", "Изпратено|Дата", "До", "Копие", "Относно", "написа", "Оригинално съобщение", "Препратено съобщение", "На "},
    {"hr", "Od|Šalje|Pošiljatelj", "Poslano|Datum", "Za|Prima|Primatelj", "Kopija", "Predmet", "napisao|napisala|je napisao/la|napisao je",
     "Izvorna poruka|Originalna poruka", "Proslijeđena poruka|Prosleđena poruka", "Dana "},
    {"et", "Saatja", "Saadetud|Kuupäev", "Saaja|Adressaat", "Koopia", "Teema", "kirjutas", "Algne kiri|Algsõnum", "Edastatud kiri", ""},
    {"lt", "Nuo", "Išsiųsta|Data", "Kam|Iki", "Kopija", "Tema", "rašė|parašė", "Pradinis laiškas|Originalus laiškas", "Persiųstas laiškas",
     ""},
    {"lv", "No", "Nosūtīts|Datums", "Kam", "Kopija", "Temats|Tēma", "rakstīja", "Sākotnējais ziņojums|Oriģinālā ziņa", "Pārsūtīts ziņojums",
     ""},
    {"he", "מאת", "נשלח|תאריך", "אל", "עותק", "נושא", "כתב|כתבה|‏כתב", "הודעה מקורית", "הודעה שהועברה", ""},
    {"ar", "من", "تم الإرسال|التاريخ|تاريخ الإرسال", "إلى", "نسخة", "الموضوع", "كتب|كتبت", "الرسالة الأصلية|رسالة أصلية",
     "رسالة محولة|رسالة معاد توجيهها", "في "},
    {"vi", "Từ", "Đã gửi|Ngày", "Đến|Tới", "Cc", "Chủ đề|Tiêu đề", "đã viết|viết", "Thư gốc", "Thư chuyển tiếp|Tin nhắn được chuyển tiếp",
     "Vào "},
    {"id", "Dari", "Dikirim|Tanggal", "Kepada|Ke", "Cc", "Subjek|Perihal", "menulis", "Pesan Asli|Pesan asli",
     "Pesan terusan|Pesan yang diteruskan", "Pada "},
    {"th", "จาก", "ส่ง|วันที่|ส่งเมื่อ", "ถึง", "สำเนา", "เรื่อง|หัวเรื่อง", "เขียนว่า|เขียน", "ข้อความต้นฉบับ", "ข้อความที่ส่งต่อ", "เมื่อ"},
    {"ca", "De", "Enviat|Data", "Per a|A", "Cc", "Assumpte", "va escriure|ha escrit", "Missatge original", "Missatge reenviat", "El "},
});

// In front of a subject. `VS` is an answer in Finnish and a forwarded mail in Danish and Norwegian: what is forwarded is never folded, so
// that counts. `R` and `I` are Italian.
constexpr auto answer_words = std::to_array<std::string_view>(
    {"re",  "aw",   "antw", "antwort", "sv",   "svar", "r",    "rif",  "res",   "odp", "ynt", "yan",  "ref",   "atb", "ats", "vá",
     "bls", "回复", "答复", "回覆",    "回應", "返信", "답장", "회신", "ответ", "отв", "απ",  "σχετ", "תשובה", "השב", "رد",  "trả lời"});
constexpr auto forward_words = std::to_array<std::string_view>(
    {"fwd",  "fw",   "wg",   "tr",   "rv",   "enc",    "i",   "vs",  "vb",         "vl",  "pd",    "doorst", "ilt", "i̇lt",
     "ilet", "转发", "轉寄", "転送", "전달", "пересл", "пер", "prz", "továbbítás", "trs", "przek", "הועבר",  "ต่อ"});

/// Words of all languages for one purpose, as they are divided in the table.
template <std::size_t N>
struct WordList {
  std::array<std::pair<std::string_view, HeaderWord>, N> words{};
  std::array<std::uint16_t, 257> first{};  // words[first[b]] to words[first[b + 1]] begin with the byte b

  [[nodiscard]] constexpr auto beginning_with(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return std::pair(words.begin() + first[byte], words.begin() + first[byte + 1U]);
  }
};

template <class Take>
constexpr void each_word(std::string_view words, Take take) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('|'), words.size());
    if (end > 0) take(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
}

using Column = std::pair<std::string_view Language::*, HeaderWord>;
template <std::size_t C>
constexpr std::size_t count_words(const std::array<Column, C>& columns) {
  std::size_t count = 0;
  for (const Language& language : languages) {
    for (const Column& column : columns) each_word(language.*column.first, [&](std::string_view) { ++count; });
  }
  return count;
}
template <std::size_t N, std::size_t C>
constexpr WordList<N> list_words(const std::array<Column, C>& columns) {
  WordList<N> list;
  std::size_t at = 0;
  for (const Language& language : languages) {
    for (const Column& column : columns) {
      each_word(language.*column.first, [&](std::string_view text) { list.words[at++] = {text, column.second}; });
    }
  }
  const auto first_byte = [](const std::pair<std::string_view, HeaderWord>& word) {
    return static_cast<unsigned char>(word.first.front());
  };
  std::sort(list.words.begin(), list.words.end(), [&](const auto& a, const auto& b) { return first_byte(a) < first_byte(b); });
  for (std::size_t byte = 0; byte <= 256; ++byte) {
    std::size_t end = 0;
    while (end < N && first_byte(list.words[end]) < byte) ++end;
    list.first[byte] = static_cast<std::uint16_t>(end);
  }
  return list;
}

constexpr std::array<Column, 5> header_columns{{{&Language::from, HeaderWord::from},
                                                {&Language::date, HeaderWord::date},
                                                {&Language::to, HeaderWord::to},
                                                {&Language::copy, HeaderWord::copy},
                                                {&Language::subject, HeaderWord::subject}}};
constexpr std::array<Column, 1> wrote_column{{{&Language::wrote, HeaderWord::none}}};
constexpr std::array<Column, 1> original_column{{{&Language::original, HeaderWord::none}}};
constexpr std::array<Column, 1> forwarded_column{{{&Language::forwarded, HeaderWord::none}}};
constexpr std::array<Column, 1> start_column{{{&Language::start, HeaderWord::none}}};

constexpr auto header_words = list_words<count_words(header_columns)>(header_columns);
constexpr auto wrote_words = list_words<count_words(wrote_column)>(wrote_column);
constexpr auto original_words = list_words<count_words(original_column)>(original_column);
constexpr auto forwarded_words = list_words<count_words(forwarded_column)>(forwarded_column);
constexpr auto start_words = list_words<count_words(start_column)>(start_column);

bool is_word_letter(char c) { return is_letter(c) || is_above_ascii(c); }

constexpr auto colons = std::to_array<std::string_view>({":", "：", "﹕", "︰"});
// Signs that mail programs put around a line: emphasis of plain text, no-break blanks, marks of the reading direction.
constexpr auto trimmings =
    std::to_array<std::string_view>({" ", "\t", "*", "_", "\xC2\xA0", "\xE2\x80\x8E", "\xE2\x80\x8F", "\xE3\x80\x80"});
constexpr auto dashes = std::to_array<std::string_view>(
    {"-", "_", "=", "~", "*", "\xE2\x80\x90", "\xE2\x80\x91", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x94\x80"});

template <std::size_t N>
bool take_front(std::string_view& text, const std::array<std::string_view, N>& signs) {
  for (const std::string_view sign : signs) {
    if (!text.starts_with(sign)) continue;
    text.remove_prefix(sign.size());
    return true;
  }
  return false;
}
template <std::size_t N>
bool take_back(std::string_view& text, const std::array<std::string_view, N>& signs) {
  for (const std::string_view sign : signs) {
    if (!text.ends_with(sign)) continue;
    text.remove_suffix(sign.size());
    return true;
  }
  return false;
}

/// The header word that `line` begins with and where its value starts.
std::pair<HeaderWord, std::string_view> header_of(std::string_view line) {
  while (line.starts_with('*') || line.starts_with('_')) line.remove_prefix(1);
  if (line.empty()) return {HeaderWord::none, {}};
  const auto [begin, end] = header_words.beginning_with(line.front());
  for (auto word = begin; word != end; ++word) {
    const std::string_view text = word->first;
    // Most words that begin alike end differently.
    if (line.size() <= text.size() || line[text.size() - 1] != text.back() || !line.starts_with(text)) continue;
    std::string_view rest = line.substr(text.size());
    while (take_front(rest, trimmings)) {
    }
    if (take_front(rest, colons)) return {word->second, rest};
  }
  return {HeaderWord::none, {}};
}

/// Whether one of the words stands anywhere in `text`, at the start of a word where it has letters of its own.
template <std::size_t N>
bool contains_any(std::string_view text, const WordList<N>& list) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto [begin, end] = list.beginning_with(text[at]);
    for (auto word = begin; word != end; ++word) {
      // East Asian words have no blanks between them.
      const bool is_inside_word = static_cast<unsigned char>(word->first.front()) < 0x80 && at > 0 && is_letter(text[at - 1]);
      if (!is_inside_word && text.substr(at).starts_with(word->first)) return true;
    }
  }
  return false;
}

/// `joe@example.com` somewhere in the text.
bool has_address(std::string_view text) {
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (at == 0 || at + 1 >= text.size() || text[at - 1] == ' ' || text[at + 1] == ' ') continue;
    if (is_digit(text[at - 1]) || is_word_letter(text[at - 1])) return true;
  }
  return false;
}

/// Dates and times, by their digits alone: `2025`, `3.11.25`, `11/3/25`, `10:00`, `10.00`, `10h00`.
void read_numbers(std::string_view text, Introduction& into) {
  constexpr int year_least = 1990;
  constexpr int year_most = 2600;  // Thai years are 543 more
  struct Run {
    std::size_t end = 0;
    std::size_t size = 0;
    int value = 0;
  };
  Run last;
  std::size_t joined = 0;  // runs in a row with one date sign between them
  char joint = '\0';
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    Run run;
    const std::size_t start = at;
    for (; at < text.size() && is_digit(text[at]); ++at) run.value = run.size++ < 4 ? run.value * 10 + (text[at] - '0') : 10'000;
    run.end = at;
    into.has_number = true;
    if (run.size == 4 && run.value >= year_least && run.value <= year_most) into.has_date = true;
    const std::string_view between = last.size == 0 ? std::string_view() : text.substr(last.end, start - last.end);
    const bool is_date_sign = between.size() >= 1 && between.size() <= 2 &&
                              std::string_view("./-").find(between.front()) != std::string_view::npos &&
                              (between.size() == 1 || between[1] == ' ');
    if (is_date_sign && run.size <= 4) {
      joined = joined > 0 && joint == between.front() ? joined + 1 : 2;
      joint = between.front();
      if (joined == 3) into.has_date = true;
    } else {
      joined = 0;
    }
    const bool is_time_sign = between == ":" || between == "." || between == "h" || between == "：";
    if (is_time_sign && run.size == 2 && last.size <= 2 && last.value < 25 && run.value < 60 && joined < 3) into.has_time = true;
    last = run;
  }
}

}  // namespace

HeaderWord header_word_of(std::string_view line) { return header_of(line).first; }

std::string_view header_value(std::string_view line) {
  std::string_view value = header_of(line).second;
  while (take_front(value, trimmings)) {
  }
  while (take_back(value, trimmings)) {
  }
  return value;
}

Introduction read_introduction(std::string_view text) {
  Introduction out;
  const bool is_dashed = is_dashed_line(text);
  if (is_dashed) text = without_dashes(text);
  while (take_back(text, trimmings)) {
  }
  const bool has_colon = take_back(text, colons);
  if (!has_colon && !is_dashed) return out;
  out.says_wrote = contains_any(text, wrote_words);
  out.has_address = has_address(text);
  read_numbers(text, out);
  out.is_open = has_colon || (out.says_wrote && out.has_date && out.has_address);
  while (take_back(text, trimmings)) {
  }
  out.ends_with_wrote =
      std::any_of(wrote_words.words.begin(), wrote_words.words.end(), [&](const auto& word) { return text.ends_with(word.first); });
  return out;
}

bool starts_introduction(std::string_view line) {
  if (line.empty()) return false;
  const auto [begin, end] = start_words.beginning_with(line.front());
  return std::any_of(begin, end, [&](const auto& word) { return line.starts_with(word.first); });
}

bool is_ruler(std::string_view line) {
  return line.size() >= 3 && std::string_view("-_=*~#").find(line.front()) != std::string_view::npos &&
         line.find_first_not_of(line.front()) == std::string_view::npos;
}

std::string_view without_dashes(std::string_view line) {
  const auto trim = [&] {
    return take_front(line, dashes) || take_front(line, trimmings) || take_back(line, dashes) || take_back(line, trimmings);
  };
  while (trim()) {
  }
  while (take_back(line, colons) || take_back(line, trimmings)) {
  }
  return line;
}

bool is_dashed_line(std::string_view line) {
  std::size_t in_front = 0;
  while (take_front(line, dashes)) ++in_front;
  if (in_front < 2) return false;
  std::size_t behind = 0;
  while (take_back(line, dashes) || (behind == 0 && take_back(line, colons))) ++behind;
  return behind >= 2 && !line.empty();
}

bool is_original_line(std::string_view line) { return is_dashed_line(line) && contains_any(line, original_words); }

bool is_forward_line(std::string_view line) {
  constexpr std::size_t size_max = 120;
  if (line.size() > size_max) return false;
  const bool is_dashed = is_dashed_line(line);
  if (!is_dashed) {
    while (take_back(line, trimmings)) {
    }
    if (!take_back(line, colons)) return false;
  }
  return contains_any(line, forwarded_words);
}

SubjectWord subject_word_of(std::string_view subject) {
  subject = ascii_trim(subject);
  if (subject.starts_with('[')) subject.remove_prefix(1);
  std::size_t colon = std::string_view::npos;
  for (const std::string_view sign : colons) colon = std::min(colon, subject.find(sign));
  if (colon == std::string_view::npos) return SubjectWord::none;
  std::string_view word = ascii_trim(subject.substr(0, colon));
  // `Re[2]`, `Re^3`, `Re(2)` count the answers.
  if (const std::size_t count = word.find_first_of("[^("); count != std::string_view::npos && count > 0)
    word = ascii_trim(word.substr(0, count));
  const auto is_word = [&](std::string_view known) { return ascii_equal_nocase(word, known); };
  if (std::any_of(answer_words.begin(), answer_words.end(), is_word)) return SubjectWord::answers;
  if (std::any_of(forward_words.begin(), forward_words.end(), is_word)) return SubjectWord::forwards;
  // Capitals beyond ASCII.
  constexpr auto others = std::to_array<std::pair<std::string_view, SubjectWord>>({{"ОТВЕТ", SubjectWord::answers},
                                                                                   {"Ответ", SubjectWord::answers},
                                                                                   {"Отв", SubjectWord::answers},
                                                                                   {"ΑΠ", SubjectWord::answers},
                                                                                   {"ΣΧΕΤ", SubjectWord::answers},
                                                                                   {"İLT", SubjectWord::forwards},
                                                                                   {"Пересл", SubjectWord::forwards},
                                                                                   {"Vá", SubjectWord::answers}});
  const auto other = std::find_if(others.begin(), others.end(), [&](const auto& row) { return row.first == word; });
  return other == others.end() ? SubjectWord::none : other->second;
}

}  // namespace pushmail::convert
