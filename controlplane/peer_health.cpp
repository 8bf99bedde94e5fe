#include "controlplane/peer_health.h"

#include <fmt/format.h>

namespace pushmail {

namespace {

// The addresses that its phones see and that its reports name.
std::string ours(const PeerSettings& peer) {
  if (peer.sender != SenderForm::suffix) return peer.service_number;
  return fmt::format("{} and every number of {} digits that begins with it ({}{})", peer.service_number,
                     peer.service_number.size() + peer.suffix_digits, peer.service_number, std::string(peer.suffix_digits, 'N'));
}

}  // namespace

std::vector<std::string> advice_about(const PeerSettings& peer, const PeerTraffic& traffic) {
  std::vector<std::string> advice;
  if (traffic.reported == 0 && traffic.silent >= silent_reports_least) {
    advice.push_back(
        fmt::format("no report came for any of {} messages that it took: the MMSC must send DeliveryReportReq for {} to our http.listen",
                    traffic.silent, ours(peer)));
  }
  const std::uint64_t sent = traffic.silent + traffic.reported;
  if (peer.sender == SenderForm::suffix && traffic.answers == 0 && sent >= silent_answers_least) {
    advice.push_back(fmt::format(
        "no phone answered any of {} messages{}: the MMSC must hand what is sent to {} to us by DeliverReq; where it can route one "
        "number only, set peer.{}.sender = \"alias\"",
        sent, traffic.new_mails > 0 ? fmt::format(", though {} new mails came", traffic.new_mails) : std::string(), ours(peer), peer.name));
  }
  return advice;
}

}  // namespace pushmail
