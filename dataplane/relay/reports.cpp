#include "dataplane/relay/reports.h"

#include <algorithm>
#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/contract/journal/schema.h"
#include "dataplane/relay/life.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
namespace jn = journal;

}  // namespace

// TS 23.140 §8.4.3: Read or Deleted; the id and the addresses are those of a delivery report.
void Reports::on_read_reply(Ticket ticket, Mm7Inbound inbound) {
  auto& reply = std::get<mm7::ReadReplyReq>(inbound.request);
  mm7::DeliveryReportReq report;
  report.transaction_id = std::move(reply.transaction_id);
  report.message_id = std::move(reply.message_id);
  report.recipient = std::move(reply.recipient);
  report.sender = std::move(reply.sender);
  report.date = reply.date;
  report.mm_status = reply.mm_status == "Indeterminate" ? std::string("Read reply without status") : std::move(reply.mm_status);
  report.status_text = std::move(reply.status_text);
  inbound.request = std::move(report);
  on_report(ticket, std::move(inbound));
}

void Reports::on_report(Ticket ticket, Mm7Inbound inbound) {
  const auto& request = std::get<mm7::DeliveryReportReq>(inbound.request);
  const DigestKey key = key_of(context_.settings.digest_secret, inbound.peer, request);
  if (!context_.is_ours(key, ticket, inbound)) return;
  if (const Repeats::Entry* before = answering_.find(key)) {
    context_.counters.add(Counter::reports_repeated);
    return answering_.answer_again(*before, key, ticket);
  }
  if (const std::string_view refusal = context_.refusal(); !refusal.empty()) return answering_.delay(ticket, refusal);

  // The report is an item of its own for the journal and the handoff.
  const ItemId id = context_.new_item();
  const Remembered::About* known = remembered_.about(inbound.peer, request.message_id);
  const Remembered::About about = known != nullptr ? *known : Remembered::About{.item = id, .trace = new_trace_id()};
  history_.event(about.item, about.trace, "delivery_report_req",
                 {{"peer", inbound.peer},
                  {"transaction_id", request.transaction_id},
                  {"message_id", request.message_id},
                  {"mm_status", request.mm_status}});

  RecordWriter report = handoff::make(handoff::Kind::report, id);
  report.trace(tag(Tag::trace), about.trace)
      .text(tag(Tag::peer), inbound.peer)
      .text(tag(Tag::message_id), request.message_id)
      .text(tag(Tag::recipient), address_form(request.recipient))
      .text(tag(Tag::sender), address_form(request.sender))
      .text(tag(Tag::mm_status), request.mm_status)
      .i64(tag(Tag::time), context_.clock.wall().us);
  if (!request.status_text.empty()) report.text(tag(Tag::status_text), clip_utf8(request.status_text));
  if (request.date) report.i64(tag(Tag::date), request.date->us);
  Bytes whole = report.finish(0);

  RecordWriter record = jn::make(jn::Kind::report, id);
  record.trace(jn::tag(jn::Tag::trace), about.trace)
      .i64(jn::tag(jn::Tag::time), context_.clock.wall().us)
      .text(jn::tag(jn::Tag::peer), inbound.peer)
      .bytes(jn::tag(jn::Tag::digest), key)
      .bytes(jn::tag(jn::Tag::record), whole);
  answering_.begin(key, id);
  std::string transaction_id = request.transaction_id;
  arrivals_[id] = {.about = about.item,
                   .trace = about.trace,
                   .ticket = ticket,
                   .peer = std::move(inbound.peer),
                   .key = key,
                   .transaction_id = std::move(transaction_id)};
  commits_.append(jn::Kind::report, id, std::move(record), ReportCommit{.report = id, .record = std::move(whole)});
}

void Reports::committed(const ReportCommit& commit, const Result<void>& result) {
  const auto found = arrivals_.find(commit.report);
  PM_CHECK(found != arrivals_.end());
  const Arrival arrival = std::move(found->second);
  arrivals_.erase(found);
  if (!result) return answering_.delayed(arrival.key, arrival.ticket, result.error().info->text);
  context_.counters.add(Counter::reports_accepted);
  answering_.accepted(arrival.key, arrival.ticket, status_of(1000));
  const RecordView view = parse_record(commit.record).value();
  history_.event(arrival.about, arrival.trace, "delivery_report_rsp",
                 {{"peer", arrival.peer},
                  {"transaction_id", arrival.transaction_id},
                  {"message_id", view.text(tag(Tag::message_id)).value_or("")},
                  {"status", "1000"}});
  context_.ports.handoff.send(handoff::Kind::report, commit.report, rewrite(view));
}

bool Reports::has(const DigestKey& key) const {
  return std::ranges::any_of(arrivals_, [&](const auto& arrival) { return arrival.second.key == key; });
}

}  // namespace pushmail::relay
