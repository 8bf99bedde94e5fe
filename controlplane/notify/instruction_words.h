// Words that ask somebody to answer, beside which a number reads like our "Reply 17". One table for every language we could think of: a
// new word is a new row. Words stand without accents (reading.h folds both sides). Imperatives count farther away than nouns, which
// ordinary subjects are full of.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace pushmail::notify {

enum class Match : unsigned char {
  whole,   // the word
  stem,    // how it begins
  inside,  // anywhere: scripts that do not divide words
};

struct InstructionWord {
  std::u32string_view word;
  Match match;
  std::size_t digits_max;  // longer numbers stay: a mail may bring the code of somebody else's service
  std::size_t beside;      // words from it to the number, at most; 1: next to it
};

inline constexpr std::size_t beside_most = 4;

inline constexpr auto instruction_words = std::to_array<InstructionWord>({
    // en
    {U"reply", Match::whole, 4, 4},
    {U"replying", Match::whole, 4, 4},
    {U"answer", Match::whole, 4, 4},
    {U"send", Match::whole, 4, 4},
    {U"text", Match::whole, 4, 4},
    {U"sms", Match::whole, 4, 4},
    {U"get", Match::whole, 2, 4},
    {U"read", Match::whole, 2, 4},
    {U"fetch", Match::whole, 2, 4},
    {U"code", Match::whole, 2, 4},
    {U"codes", Match::whole, 2, 4},
    // en, es, pt
    {U"respond", Match::stem, 4, 4},
    // es, pt
    {U"contesta", Match::whole, 4, 2},
    {U"conteste", Match::whole, 4, 2},
    {U"envie", Match::stem, 4, 4},
    {U"envia", Match::stem, 4, 4},
    {U"mande", Match::whole, 4, 4},
    {U"manda", Match::whole, 4, 4},
    {U"escriba", Match::whole, 4, 2},
    {U"escreva", Match::whole, 4, 2},
    {U"respuesta", Match::whole, 4, 1},
    {U"resposta", Match::whole, 4, 1},
    {U"codigo", Match::whole, 2, 2},
    // fr
    {U"repond", Match::stem, 4, 4},
    {U"reponse", Match::whole, 4, 1},
    {U"envoyez", Match::whole, 4, 4},
    {U"envoie", Match::stem, 4, 4},
    {U"envoyer", Match::whole, 4, 4},
    {U"tapez", Match::whole, 4, 4},
    {U"ecrivez", Match::whole, 4, 2},
    // de
    {U"antworte", Match::stem, 4, 4},
    {U"antwort", Match::whole, 4, 1},
    {U"sende", Match::whole, 4, 4},
    {U"senden", Match::whole, 4, 4},
    {U"sendet", Match::whole, 4, 4},
    {U"schicke", Match::stem, 4, 4},
    {U"schick", Match::whole, 4, 4},
    {U"simse", Match::stem, 4, 4},
    // it
    {U"rispond", Match::stem, 4, 4},
    {U"risposta", Match::whole, 4, 1},
    {U"invia", Match::whole, 4, 4},
    {U"inviare", Match::whole, 4, 4},
    {U"inviate", Match::whole, 4, 4},
    {U"scrivi", Match::whole, 4, 2},
    {U"digita", Match::whole, 4, 2},
    {U"codice", Match::whole, 2, 2},
    // nl
    {U"antwoord", Match::stem, 4, 2},
    {U"beantwoord", Match::stem, 4, 2},
    {U"stuur", Match::whole, 4, 4},
    {U"verstuur", Match::whole, 4, 4},
    {U"zend", Match::whole, 4, 4},
    // sv, da, no
    {U"svara", Match::stem, 4, 4},
    {U"svare", Match::whole, 4, 4},
    {U"svar", Match::whole, 4, 2},
    {U"besvar", Match::stem, 4, 2},
    {U"skicka", Match::whole, 4, 4},
    {U"sand", Match::whole, 4, 1},
    {U"kode", Match::whole, 2, 2},
    {U"kod", Match::whole, 2, 2},
    {U"koden", Match::whole, 2, 2},
    // fi, et
    {U"vastaa", Match::stem, 4, 4},
    {U"vastaus", Match::whole, 4, 1},
    {U"laheta", Match::stem, 4, 4},
    {U"koodi", Match::stem, 2, 2},
    {U"vasta", Match::whole, 4, 1},
    {U"vastake", Match::whole, 4, 4},
    {U"saada", Match::whole, 4, 1},
    {U"saatke", Match::whole, 4, 4},
    // pl, cs, sk
    {U"odpowiedz", Match::stem, 4, 2},
    {U"odpisz", Match::stem, 4, 4},
    {U"wyslij", Match::stem, 4, 4},
    {U"napisz", Match::stem, 4, 4},
    {U"odpovez", Match::stem, 4, 4},
    {U"odepis", Match::stem, 4, 4},
    {U"odpovedz", Match::stem, 4, 4},
    {U"posli", Match::stem, 4, 4},
    {U"zasli", Match::stem, 4, 4},
    {U"zaslete", Match::whole, 4, 4},
    {U"poslete", Match::whole, 4, 4},
    // hu, ro, hr, sl
    {U"valaszol", Match::stem, 4, 4},
    {U"valasz", Match::whole, 4, 1},
    {U"kuldj", Match::stem, 4, 4},
    {U"raspund", Match::stem, 4, 4},
    {U"trimite", Match::stem, 4, 2},
    {U"odgovori", Match::stem, 4, 4},
    {U"posalji", Match::stem, 4, 4},
    {U"cod", Match::whole, 2, 2},
    // tr
    {U"yanitla", Match::stem, 4, 4},
    {U"cevapla", Match::stem, 4, 4},
    {U"yanit", Match::whole, 4, 1},
    {U"cevap", Match::whole, 4, 1},
    {U"gonder", Match::whole, 4, 4},
    {U"gonderin", Match::stem, 4, 4},
    {U"yollayin", Match::whole, 4, 4},
    {U"kodu", Match::whole, 2, 2},
    // vi, id
    {U"soan", Match::whole, 4, 4},
    {U"gui", Match::whole, 4, 1},
    {U"balas", Match::whole, 4, 4},
    {U"jawab", Match::whole, 4, 4},
    {U"kirim", Match::whole, 4, 4},
    {U"ketik", Match::whole, 4, 4},
    // ru, uk, bg
    {U"ответь", Match::stem, 4, 4},
    {U"ответит", Match::whole, 4, 4},
    {U"ответ", Match::whole, 4, 1},
    {U"отправь", Match::stem, 4, 4},
    {U"пришли", Match::stem, 4, 4},
    {U"напиши", Match::stem, 4, 4},
    {U"наберите", Match::whole, 4, 4},
    {U"код", Match::stem, 2, 2},
    {U"відповід", Match::stem, 4, 2},
    {U"надішл", Match::stem, 4, 4},
    {U"надсил", Match::stem, 4, 2},
    {U"відправте", Match::whole, 4, 4},
    {U"напиш", Match::stem, 4, 4},
    {U"отговор", Match::stem, 4, 2},
    {U"изпрат", Match::stem, 4, 4},
    // el
    {U"απαντ", Match::stem, 4, 2},
    {U"στειλ", Match::stem, 4, 4},
    {U"κωδικ", Match::stem, 2, 2},
    // ar, fa, he
    {U"رد", Match::whole, 4, 2},
    {U"ردوا", Match::whole, 4, 4},
    {U"بالرد", Match::whole, 4, 2},
    {U"الرد", Match::whole, 4, 1},
    {U"اجب", Match::stem, 4, 4},
    {U"ارسل", Match::stem, 4, 4},
    {U"رمز", Match::whole, 2, 2},
    {U"الرمز", Match::whole, 2, 2},
    {U"پاسخ", Match::stem, 4, 2},
    {U"بفرست", Match::stem, 4, 4},
    {U"ارسال", Match::whole, 4, 1},
    {U"کد", Match::whole, 2, 2},
    {U"השב", Match::stem, 4, 4},
    {U"ענה", Match::whole, 4, 4},
    {U"ענו", Match::whole, 4, 4},
    {U"שלח", Match::stem, 4, 4},
    {U"קוד", Match::whole, 2, 2},
    // hi
    {U"जवाब", Match::stem, 4, 2},
    {U"उत्तर", Match::whole, 4, 1},
    {U"भेज", Match::stem, 4, 2},
    {U"कोड", Match::whole, 2, 2},
    // zh, ja, ko, th
    {U"回复", Match::inside, 4, 2},
    {U"回覆", Match::inside, 4, 2},
    {U"答复", Match::inside, 4, 2},
    {U"回信", Match::inside, 4, 2},
    {U"发送", Match::inside, 4, 2},
    {U"發送", Match::inside, 4, 2},
    {U"发短信", Match::inside, 4, 2},
    {U"输入", Match::inside, 4, 1},
    {U"輸入", Match::inside, 4, 1},
    {U"代码", Match::inside, 2, 1},
    {U"代碼", Match::inside, 2, 1},
    {U"返信", Match::inside, 4, 2},
    {U"送信", Match::inside, 4, 2},
    {U"返答", Match::inside, 4, 2},
    {U"回答", Match::inside, 4, 2},
    {U"送って", Match::inside, 4, 2},
    {U"コード", Match::inside, 2, 1},
    {U"회신", Match::inside, 4, 2},
    {U"답장", Match::inside, 4, 2},
    {U"답신", Match::inside, 4, 2},
    {U"전송", Match::inside, 4, 2},
    {U"보내", Match::inside, 4, 2},
    {U"입력", Match::inside, 4, 1},
    {U"코드", Match::inside, 2, 1},
    {U"ตอบ", Match::inside, 4, 2},
    {U"ส่ง", Match::inside, 4, 1},
    {U"รหัส", Match::inside, 2, 1},
});

}  // namespace pushmail::notify
