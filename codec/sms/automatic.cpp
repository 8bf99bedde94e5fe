#include "codec/sms/automatic.h"

#include <algorithm>
#include <array>

#include "codec/sms/receipt_text.h"

namespace pushmail::sms {

namespace {

// SMPP 3.4 §5.2.12: bits 5 to 2 of esm_class.
struct ClassSign {
  std::uint8_t type;
  Origin origin;
  std::string_view name;
};
constexpr auto class_signs = std::to_array<ClassSign>({
    {smpp::esm_receipt, Origin::receipt, "esm_class_receipt"},
    {smpp::esm_intermediate, Origin::receipt, "esm_class_intermediate"},
    {smpp::esm_delivery_ack, Origin::answer, "esm_class_delivery_ack"},
    {smpp::esm_user_ack, Origin::answer, "esm_class_user_ack"},
    {smpp::esm_abort, Origin::answer, "esm_class_abort"},
});

struct TlvSign {
  std::uint16_t tag;
  std::string_view name;
};
constexpr auto tlv_signs = std::to_array<TlvSign>({
    {smpp::tag::receipted_message_id, "receipted_message_id"},
    {smpp::tag::message_state, "message_state"},
});

// How the texts begin that phones, networks and mail boxes send by themselves; ASCII letters of either case. Long enough that no
// instruction of ours and no address (a new mail begins with one) begins so.
constexpr auto beginnings = std::to_array<std::string_view>({
    "auto-reply",
    "autoreply",
    "auto reply",
    "auto-response",
    "autoresponse",
    "auto response",
    "automatic reply",
    "automatic response",
    "automatic answer",
    "automated reply",
    "automated response",
    "automated message",
    "this is an automat",
    "[auto",
    "(auto",
    "<auto",
    "out of office",
    "out of the office",
    "i'm driving",
    "i am driving",
    "delivery receipt",
    "delivery report",
    "delivery status",
    "delivery notification",
    "delivery confirmation",
    "delivered:",
    "read:",
    "not read:",
    "message delivered",
    "message not delivered",
    "message was not delivered",
    "your message was delivered",
    "your message was not delivered",
    "your message could not",
    "message could not be delivered",
    "undeliverable",
    "undelivered",
    "mail delivery fail",
    "returned mail",
    "sent automatically",
    "free msg",
    "freemsg",
    "unable to send message",
    "message status",
    "i'm not receiving",
    "(i'm not receiving",
    "abwesenheitsnotiz",
    "autosvar",
    "automatisk svar",
    "automatiskt svar",
    "automaattinen vastaus",
    "automatyczna odpowied",
    "odpowied\xc5\xba automatyczna",
    "automatische antwort",
    "automatisch antwoord",
    "automatick\xc3\xa1 odpov",
    "automatikus v\xc3\xa1lasz",
    "r\xc4\x83spuns automat",
    "otomatik yan",
    "balasan otomatis",
    "Автоответ",
    "автоответ",
    "Автоматический ответ",
    "Автоматична відповідь",
    "Автовідповідь",
    "Αυτόματη απάντηση",
    "自動返信",
    "自動応答",
    "自動回覆",
    "自动回复",
    "자동 응답",
    "자동응답",
    "رد تلقائي",
    "الرد التلقائي",
    "תשובה אוטומטית",
    "ตอบกลับอัตโนมัติ",
    "การตอบกลับอัตโนมัติ",
    "trả lời tự động",
    "tự động trả lời",
    "thư trả lời tự động",
    "automatski odgovor",
    "Аутоматски одговор",
    "Автоматски одговор",
    "Автоматичен отговор",
    "автоматичен отговор",
    "Аўтаматычны адказ",
    "Автоматты жауап",
    "samodejni odgovor",
    "automaatne vastus",
    "automaatvastus",
    "automātiskā atbilde",
    "automatinis atsakymas",
    "sjálfvirkt svar",
    "erantzun automatikoa",
    "përgjigje automatike",
    "outomatiese antwoord",
    "jawapan automatik",
    "balas automatik",
    "awtomatikong tugon",
    "jibu la kiotomatiki",
    "स्वचालित उत्तर",
    "स्वतः उत्तर",
    "ऑटो रिप्लाई",
    "پاسخ خودکار",
    "خودکار جواب",
    "自动答复",
    "자동 회신",
    // Reactions, where the other side knows none: no words of a person to us.
    "loved an ",
    "liked an ",
    "disliked an ",
    "laughed at an ",
    "emphasized an ",
    "emphasised an ",
    "questioned an ",
    "loved a ",
    "loved “",
    "liked “",
    "disliked “",
    "laughed at “",
    "emphasized “",
    "emphasised “",
    "questioned “",
    "reacted ",
    "removed a heart from",
    "removed a like from",
    "removed a dislike from",
    "removed a laugh from",
    "removed an exclamation from",
    "removed a question mark from",
    "respuesta autom",
    "r\xc3\xa9ponse automatique",
    "risposta automatica",
    "resposta autom",
});

// What stands anywhere in such a short message, and in few that a person sends to a service. Not asked of an MM, which is a letter to
// anybody.
constexpr auto phrases = std::to_array<std::string_view>({
    "auto-reply",
    "automatic reply",
    "automatische antwort",
    "automatisch antwoord",
    "do not disturb while driving",
    "driving focus",
    "with focus turned on",
    "see your message when i get",
    "not receiving notifications",
    "to send a notification through",
    "was delivered",
    "was not delivered",
    "could not be delivered",
    "has been delivered",
    "message blocking is active",
    "service access denied",
});

// SMPP 3.4 Appendix B: the states of a receipt, as they stand behind `stat:` also where a gateway has taken the id away.
constexpr auto receipt_states = std::to_array<std::string_view>({
    "ENROUTE",
    "DELIVRD",
    "EXPIRED",
    "DELETED",
    "UNDELIV",
    "ACCEPTD",
    "UNKNOWN",
    "REJECTD",
});

bool contains_nocase(std::string_view text, std::string_view phrase) {
  for (std::size_t at = 0; at + phrase.size() <= text.size(); ++at) {
    if (ascii_equal_nocase(text.substr(at, phrase.size()), phrase)) return true;
  }
  return false;
}

constexpr bool no_beginning_twice() {
  for (std::size_t i = 0; i < beginnings.size(); ++i) {
    for (std::size_t j = 0; j < beginnings.size(); ++j) {
      if (i != j && beginnings[j].front() == beginnings[i].front() && beginnings[j].starts_with(beginnings[i])) return false;
    }
  }
  return true;
}
static_assert(no_beginning_twice());

}  // namespace

Judgement origin_of(std::string_view utf8) {
  const std::string_view stat = value_of(utf8, "stat");
  if (!value_of(utf8, "id").empty() && !stat.empty()) return {Origin::receipt, "receipt_text"};
  if (std::ranges::any_of(receipt_states, [&](std::string_view state) { return ascii_equal_nocase(stat, state); }))
    return {Origin::receipt, "receipt_state"};
  const std::string_view text = ascii_trim(utf8);
  // `<<Auto Response>>`, `*** Out of office ***`
  const std::string_view words = text.substr(std::min(text.find_first_not_of("<[({*-=~_\"' "), text.size()));
  const auto row = std::ranges::find_if(beginnings, [&](std::string_view beginning) {
    const bool is_decorated = ascii_starts_with_nocase(beginning, "auto") || ascii_starts_with_nocase(beginning, "out of");
    return ascii_starts_with_nocase(text, beginning) || (is_decorated && ascii_starts_with_nocase(words, beginning));
  });
  if (row != beginnings.end()) return {Origin::answer, *row};
  return {};
}

Judgement origin_of(const smpp::Pdu& message) {
  const auto by_class = std::ranges::find(class_signs, message.esm_class & smpp::esm_type_mask, &ClassSign::type);
  if (by_class != class_signs.end()) return {by_class->origin, by_class->name};
  const auto by_tlv = std::ranges::find_if(tlv_signs, [&](const TlvSign& row) { return message.tlv(row.tag) != nullptr; });
  if (by_tlv != tlv_signs.end()) return {Origin::receipt, by_tlv->name};

  const Incoming incoming = read_deliver(message);
  // A piece of a longer text says nothing about how that begins.
  const Judgement by_text = incoming.part ? Judgement{} : origin_of(incoming);
  if (by_text.origin == Origin::receipt) return by_text;
  if (alphabet_of(incoming.data_coding) == Alphabet::binary && incoming.text().empty()) return {Origin::answer, "binary"};
  if (incoming.ports) return {Origin::answer, "application_port"};
  return by_text;
}

Judgement origin_of(const Incoming& whole) {
  Judgement answer;
  for (const std::string& text : readings_of(whole)) {
    const Judgement by_text = origin_of(text);
    if (by_text.origin == Origin::receipt) return by_text;
    const auto phrase = std::ranges::find_if(phrases, [&](std::string_view each) { return contains_nocase(text, each); });
    if (is_automatic(answer)) continue;
    answer = phrase != phrases.end() ? Judgement{Origin::answer, *phrase} : by_text;
  }
  return answer;
}

}  // namespace pushmail::sms
