// The wire between the SMPP protocol and a scripted SMSC that misbehaves, in virtual time. Bytes keep their order and take their time;
// what was written before an end still arrives. What the SMSC does with each PDU is drawn from the table of deeds.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/sms/smpp.h"
#include "controlplane/notify/smpp_protocol.h"
#include "tests/unit/controlplane/notify/hand_clock.h"

namespace pushmail::notify {

enum class Deed : std::uint8_t {
  answer,
  late,
  throttle,
  refuse,
  nack,
  nack_without_sequence,
  wrong_answer,
  close,
  silence,
  half_answer,
  half_answer_and_close,
  receipt_first,
};
struct DeedRow {
  Deed deed;
  std::string_view name;
  bool may_show;  // the phone may see the message
};
inline constexpr auto deeds = std::to_array<DeedRow>({
    {Deed::answer, "answer", true},
    {Deed::late, "late", true},
    {Deed::throttle, "throttle", false},
    {Deed::refuse, "refuse", false},
    {Deed::nack, "nack", false},
    {Deed::nack_without_sequence, "nack_without_sequence", true},
    {Deed::wrong_answer, "wrong_answer", true},
    {Deed::close, "close", true},
    {Deed::silence, "silence", true},
    {Deed::half_answer, "half_answer", true},
    {Deed::half_answer_and_close, "half_answer_and_close", true},
    {Deed::receipt_first, "receipt_first", true},
});
[[nodiscard]] constexpr bool deeds_in_order() {
  for (std::size_t i = 0; i < deeds.size(); ++i) {
    if (static_cast<std::size_t>(deeds[i].deed) != i) return false;
  }
  return true;
}
static_assert(deeds_in_order());
[[nodiscard]] constexpr const DeedRow& row_of(Deed deed) { return deeds[static_cast<std::size_t>(deed)]; }

/// What a seed is made of.
struct Script {
  double fault_rate = 0;  // of each connect and each PDU, until `calm`
  Instant calm{};
  std::map<std::size_t, Deed> bad{};  // number of a text -> what the SMSC does at it, always
};

/// One text that arrived at the SMSC and that the phone may see.
struct Shown {
  Instant at{};
  std::size_t text = 0;
  std::string phone{};
};

class Network final : public SmppWire {
 public:
  Network(HandClock& clock, const Script& script, std::mt19937_64& random) : clock_(clock), script_(script), random_(random) {}

  /// The protocol that is at this end now; null: none (it ended without a word).
  void use(SmppProtocol* protocol);
  void connect() override;
  void write(Bytes pdu, AtEnd at_end) override;
  /// What has not arrived yet may have been in the kernel's buffer already, or never got there.
  std::size_t close() override;

  [[nodiscard]] std::optional<Instant> next() const;
  /// Runs what is due now.
  void run();

  /// The phone writes, when there is a session.
  void phone_writes(const std::string& text);

  std::vector<Shown> shown{};
  std::vector<std::pair<Instant, std::size_t>> submits{};  // when, and of which text; first segments
  std::vector<Instant> binds{};                            // accepted ones
  std::vector<Instant> answers{};                          // answers to submit_sm that were sent
  std::size_t pdus = 0;
  std::array<std::size_t, deeds.size()> done{};

 private:
  struct Written {
    AtEnd at_end{};
    bool arrived = false;
    bool dropped = false;
  };
  struct Segment {
    std::optional<std::size_t> text{};
    bool first = false;
  };
  struct Event {
    Instant at{};
    std::uint64_t order = 0;
    std::function<void()> action{};
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };

  [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] Deed draw_deed();
  void at(Instant when, std::function<void()> action) { events_.push({when, ++order_, std::move(action)}); }
  void at_smsc(std::uint64_t connection, const Bytes& bytes);
  void to_us(std::uint64_t connection, Bytes bytes, Duration extra = {});
  void end(std::uint64_t connection);
  void do_deed(std::uint64_t connection, Deed deed, const smpp::Pdu& request, smpp::Pdu response);
  void send_receipt(std::uint64_t connection, const smpp::Pdu& submit, const std::string& id);
  [[nodiscard]] Segment text_of_submit(std::uint64_t connection, const smpp::Pdu& submit);

  HandClock& clock_;
  const Script& script_;
  std::mt19937_64& random_;
  SmppProtocol* protocol_ = nullptr;
  std::uint64_t connection_ = 0;
  std::set<std::uint64_t> ended_by_smsc_{};
  Instant last_to_smsc_{};
  std::deque<std::shared_ptr<Written>> written_{};  // on this connection, the oldest that has not arrived first
  std::uint64_t order_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint64_t ids_ = 0;
  std::map<std::pair<std::uint64_t, int>, std::size_t> references_{};  // connection and concatenation reference -> text
  std::priority_queue<Event, std::vector<Event>, Later> events_{};
};

}  // namespace pushmail::notify
