#include "controlplane/peer_health.h"

#include <fmt/format.h>

namespace pushmail {

namespace {

// The addresses that its phones see and that its reports name.
std::string ours(const PeerProfile& peer) {
  const std::string& service = peer.text("service_number");
  if (!peer.is({"sender", "suffix"})) return service;
  const std::size_t digits = peer.number("suffix_digits");
  return fmt::format("{} and every number of {} digits that begins with it ({}{})", service, service.size() + digits, service,
                     std::string(digits, 'N'));
}

}  // namespace

std::vector<std::string> advice_about(const PeerProfile& peer, const PeerTraffic& traffic) {
  std::vector<std::string> advice;
  if (traffic.reported == 0 && traffic.silent >= silent_reports_least) {
    advice.push_back(
        fmt::format("no report came for any of {} messages that it took: the MMSC must send DeliveryReportReq for {} to our http.listen",
                    traffic.silent, ours(peer)));
  }
  const std::uint64_t sent = traffic.silent + traffic.reported;
  if (peer.is({"sender", "suffix"}) && traffic.answers == 0 && sent >= silent_answers_least) {
    advice.push_back(fmt::format(
        "no phone answered any of {} messages{}: the MMSC must hand what is sent to {} to us by DeliverReq; where it can route one "
        "number only, set peer.{}.sender = \"alias\"",
        sent, traffic.new_mails > 0 ? fmt::format(", though {} new mails came", traffic.new_mails) : std::string(), ours(peer),
        peer.name()));
  }
  return advice;
}

}  // namespace pushmail
