// The data plane's counters: one table, one shared memory file (/run/pushmail/counters), read by pushmailctl and later by /metrics.
//
// Came from: worker, I/O thread, relay. Goes to: whoever maps the file; names stand in it, so a reader of another version can print it.
// A counter has one writing thread as a rule; adds are relaxed atomics all the same, so none is lost where two meet.
//
//   file: { magic 8 bytes, count u64, pid u64, start time u64 (microseconds UTC), configuration u64, pad to 64 } then `count` entries of 64
//   bytes { name, zero-filled, 56 bytes; value u64 }
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace pushmail {

enum class Counter : std::uint16_t {
  turns,
  idle_waits,
  worker_seen,
  deliver_accepted,
  deliver_refused,
  deliver_repeated,
  deliver_delayed,
  reports_accepted,
  reports_repeated,
  recipients_accepted,
  recipients_refused,
  mails_accepted,
  mails_delayed,
  rules_rejected,
  mails_sent,
  mails_retried,
  mails_failed,
  mails_unknown,
  submissions,
  submitted,
  submits_retried,
  submits_failed,
  submits_unknown,
  submissions_withdrawn,
  attempts,
  submit_answers_unreadable,
  submit_answers_foreign,
  submitted_nameless,
  peers_paused,
  http_connections,
  http_turned_away,
  http_evicted,
  http_wrong_passwords,
  http_wrong_certificates,
  smtp_connections,
  smtp_turned_away,
  smtp_evicted,
  smtp_early_talkers,
  smtp_over_budget,
  tls_handshakes,
  tls_failed,
  tls_refused,
  deliver_over_budget,
  postmaster_mails,
  submits_sent_again,
  submits_sent_again_marked,
  submit_closed_unannounced,
  submits_waiting,
  submit_connections,
  submit_peers_limited,
  admission_asked,
  admission_cached,
  admission_unanswered,
  journal_records,
  journal_syncs,
  journal_bytes,
  journal_segments,
  journal_failures,
  journal_damage,
  journal_refuses,
  handoff_connections,
  handoff_accept_failures,
  handoff_refused,
  handoff_records_in,
  handoff_records_out,
  events_dropped,
  log_lines_dropped,
  items,
  item_bytes,
  port_frames_in,
  port_bytes_in,
  port_frames_out,
  port_bytes_out,
  port_missed,
  port_errors,
  port_no_memory,
  tcp_frames_in,
  tcp_frames_out,
  tcp_segments_in,
  tcp_segments_out,
  tcp_retransmissions,
  tcp_timeouts,
  tcp_fast_retransmits,
  tcp_probes,
  tcp_out_of_order,
  tcp_out_of_order_discarded,
  tcp_duplicates,
  tcp_challenges,
  tcp_resets_in,
  tcp_resets_out,
  tcp_accepted,
  tcp_opened,
  tcp_half_open_expired,
  tcp_cookies_sent,
  tcp_cookies_accepted,
  tcp_arp_claims,
  tcp_arp_evicted,
  tcp_connections,
  tcp_half_open,
  tcp_time_wait,
  tcp_receive_memory,
  tcp_drop_short_frame,
  tcp_drop_not_ours,
  tcp_drop_other_protocol,
  tcp_drop_bad_ip_header,
  tcp_drop_bad_ip_checksum,
  tcp_drop_fragment,
  tcp_drop_bad_source,
  tcp_drop_bad_tcp_header,
  tcp_drop_bad_tcp_checksum,
  tcp_drop_bad_arp,
  tcp_drop_no_frame,
  tcp_drop_no_neighbour,
  tcp_drop_backlog,
  tcp_drop_connections_spent,
  tcp_drop_cookie_refused,
  tcp_drop_receive_memory,
  tcp_drop_receive_blocks,
};

struct CounterRow {
  Counter counter;
  std::string_view name;
  std::string_view help;
};

inline constexpr auto counter_rows = std::to_array<CounterRow>({
    {Counter::turns, "pushmail_data_turns_total", "turns of the worker"},
    {Counter::idle_waits, "pushmail_data_idle_waits_total", "turns that found nothing and slept"},
    {Counter::worker_seen, "pushmail_data_worker_seen_seconds", "time since boot at which the worker last took stock, every second"},
    {Counter::deliver_accepted, "pushmail_data_deliver_accepted_total", "DeliverReq journaled and answered 1000 or 1100"},
    {Counter::deliver_refused, "pushmail_data_deliver_refused_total", "DeliverReq refused for good (sender, recipient)"},
    {Counter::deliver_repeated, "pushmail_data_deliver_repeated_total", "DeliverReq that was here before: same answer, no second effect"},
    {Counter::deliver_delayed, "pushmail_data_deliver_delayed_total", "DeliverReq answered with a temporary code"},
    {Counter::reports_accepted, "pushmail_data_reports_accepted_total", "DeliveryReportReq journaled and answered"},
    {Counter::reports_repeated, "pushmail_data_reports_repeated_total", "DeliveryReportReq that was here before"},
    {Counter::recipients_accepted, "pushmail_data_recipients_accepted_total", "RCPT answered 250"},
    {Counter::recipients_refused, "pushmail_data_recipients_refused_total", "RCPT refused"},
    {Counter::mails_accepted, "pushmail_data_mails_accepted_total", "items made of forwarded mails, one a recipient"},
    {Counter::mails_delayed, "pushmail_data_mails_delayed_total", "forwarded mails answered with a temporary code"},
    {Counter::rules_rejected, "pushmail_data_rules_rejected_total", "items that a content rule kept from the phone"},
    {Counter::mails_sent, "pushmail_data_mails_sent_total", "mails that the next hop took"},
    {Counter::mails_retried, "pushmail_data_mails_retried_total", "tries to send a mail that will be repeated"},
    {Counter::mails_failed, "pushmail_data_mails_failed_total", "mails that could not be sent"},
    {Counter::mails_unknown, "pushmail_data_mails_unknown_total", "mails whose final dot got no reply"},
    {Counter::submissions, "pushmail_data_submissions_total", "mails taken over from the control plane"},
    {Counter::submitted, "pushmail_data_submitted_total", "SubmitReq answered 1000"},
    {Counter::submits_retried, "pushmail_data_submits_retried_total", "SubmitReq that will be repeated"},
    {Counter::submits_failed, "pushmail_data_submits_failed_total", "SubmitReq refused for good"},
    {Counter::submits_unknown, "pushmail_data_submits_unknown_total", "SubmitReq of which nobody knows whether it arrived"},
    {Counter::submissions_withdrawn, "pushmail_data_submissions_withdrawn_total", "submissions that the control plane took back"},
    {Counter::attempts, "pushmail_data_attempts_total", "tries to send, each on disk before its first byte"},
    {Counter::submit_answers_unreadable, "pushmail_data_submit_answers_unreadable_total", "answers to SubmitReq that say nothing"},
    {Counter::submit_answers_foreign, "pushmail_data_submit_answers_foreign_total", "SubmitRsp with another TransactionID"},
    {Counter::submitted_nameless, "pushmail_data_submitted_nameless_total", "SubmitReq answered 1000 without a MessageID"},
    {Counter::peers_paused, "pushmail_data_peers_paused_total", "times that a peer in trouble was paused"},
    {Counter::http_connections, "pushmail_data_http_connections_total", "connections to http.listen"},
    {Counter::http_turned_away, "pushmail_data_http_turned_away_total",
     "of these refused at once: no place, no peer's address, too many wrong passwords"},
    {Counter::http_evicted, "pushmail_data_http_evicted_total", "of these ended for another one, having shown no credentials"},
    {Counter::http_wrong_passwords, "pushmail_data_http_wrong_passwords_total", "requests with a wrong password"},
    {Counter::http_wrong_certificates, "pushmail_data_http_wrong_certificates_total",
     "requests for MM7 refused since the certificate that their peer has to show was missing or wrong"},
    {Counter::smtp_connections, "pushmail_data_smtp_connections_total", "connections to smtp.listen"},
    {Counter::smtp_turned_away, "pushmail_data_smtp_turned_away_total", "of these refused at once: no place"},
    {Counter::smtp_evicted, "pushmail_data_smtp_evicted_total", "of these ended for another one, having named no recipient of ours"},
    {Counter::smtp_early_talkers, "pushmail_data_smtp_early_talkers_total", "of these ended since the client did not wait for our replies"},
    {Counter::smtp_over_budget, "pushmail_data_smtp_over_budget_total",
     "of these ended since their source named too many unknown recipients"},
    {Counter::tls_handshakes, "pushmail_data_tls_handshakes_total", "TLS handshakes that both sides agreed in, ours and theirs"},
    {Counter::tls_failed, "pushmail_data_tls_failed_total", "TLS handshakes that came to nothing; the log says why, tls_failed"},
    {Counter::tls_refused, "pushmail_data_tls_refused_total", "connections ended since their source only begins handshakes"},
    {Counter::deliver_over_budget, "pushmail_data_deliver_over_budget_total",
     "DeliverReq delayed since their peer brought too many senders that are not bound"},
    {Counter::postmaster_mails, "pushmail_data_postmaster_mails_total", "mails to our postmaster"},
    {Counter::submits_sent_again, "pushmail_data_submits_sent_again_total", "SubmitReq sent again at once: nobody can have seen it"},
    {Counter::submits_sent_again_marked, "pushmail_data_submits_sent_again_marked_total",
     "SubmitReq sent again at once although it may have been seen"},
    {Counter::submit_closed_unannounced, "pushmail_data_submit_closed_unannounced_total",
     "connections that an MMSC closed soon after an answer, unannounced"},
    {Counter::submits_waiting, "pushmail_data_submits_waiting", "SubmitReq that wait for a connection now"},
    {Counter::submit_connections, "pushmail_data_submit_connections", "connections to MMSCs now"},
    {Counter::submit_peers_limited, "pushmail_data_submit_peers_limited", "MMSCs that were seen to close after a number of requests, now"},
    {Counter::admission_asked, "pushmail_data_admission_asked_total", "look-ups sent to the control plane"},
    {Counter::admission_cached, "pushmail_data_admission_cached_total", "look-ups answered from the cache"},
    {Counter::admission_unanswered, "pushmail_data_admission_unanswered_total", "look-ups that got no answer in time"},
    {Counter::journal_records, "pushmail_data_journal_records_total", "records made durable"},
    {Counter::journal_syncs, "pushmail_data_journal_syncs_total", "fdatasync calls of the journal"},
    {Counter::journal_bytes, "pushmail_data_journal_bytes_total", "bytes made durable"},
    {Counter::journal_segments, "pushmail_data_journal_segments", "segment files now"},
    {Counter::journal_failures, "pushmail_data_journal_failures_total", "writes or syncs of the journal that failed"},
    {Counter::journal_damage, "pushmail_data_journal_damage_total", "damaged places found by replay"},
    {Counter::journal_refuses, "pushmail_data_journal_refuses", "1 while the journal takes no messages (full, or its disk fails), else 0"},
    {Counter::handoff_connections, "pushmail_data_handoff_connections_total", "connections of a control plane"},
    {Counter::handoff_accept_failures, "pushmail_data_handoff_accept_failures_total",
     "connections of a control plane that could not be taken for want of descriptors or memory"},
    {Counter::handoff_refused, "pushmail_data_handoff_refused_total",
     "connections that were closed at once: of a user who is no control plane's, or of a second one"},
    {Counter::handoff_records_in, "pushmail_data_handoff_records_in_total", "records from the control plane"},
    {Counter::handoff_records_out, "pushmail_data_handoff_records_out_total", "records to the control plane"},
    {Counter::events_dropped, "pushmail_data_events_dropped_total", "events for the history that nobody took"},
    {Counter::log_lines_dropped, "pushmail_data_log_lines_dropped_total", "log lines lost because nobody read the log fast enough"},
    {Counter::items, "pushmail_data_items", "items in the relay now"},
    {Counter::item_bytes, "pushmail_data_item_bytes", "bytes of their messages in memory"},
    {Counter::port_frames_in, "pushmail_data_port_frames_in_total", "frames the DPDK port received (rte_eth_stats)"},
    {Counter::port_bytes_in, "pushmail_data_port_bytes_in_total", "their bytes"},
    {Counter::port_frames_out, "pushmail_data_port_frames_out_total", "frames the DPDK port sent (rte_eth_stats)"},
    {Counter::port_bytes_out, "pushmail_data_port_bytes_out_total", "their bytes"},
    {Counter::port_missed, "pushmail_data_port_missed_total", "frames the device dropped because its ring was full"},
    {Counter::port_errors, "pushmail_data_port_errors_total", "frames with an error, in or out"},
    {Counter::port_no_memory, "pushmail_data_port_no_memory_total", "frames lost because the pool was spent"},
    {Counter::tcp_frames_in, "pushmail_data_tcp_frames_in_total", "frames that the stack took from the port"},
    {Counter::tcp_frames_out, "pushmail_data_tcp_frames_out_total", "frames that the stack gave to the port"},
    {Counter::tcp_segments_in, "pushmail_data_tcp_segments_in_total", "TCP segments received"},
    {Counter::tcp_segments_out, "pushmail_data_tcp_segments_out_total", "TCP segments sent"},
    {Counter::tcp_retransmissions, "pushmail_data_tcp_retransmissions_total", "TCP segments sent again"},
    {Counter::tcp_timeouts, "pushmail_data_tcp_timeouts_total", "retransmission time-outs"},
    {Counter::tcp_fast_retransmits, "pushmail_data_tcp_fast_retransmits_total", "recoveries after a third duplicate acknowledgement"},
    {Counter::tcp_probes, "pushmail_data_tcp_probes_total", "probes of a closed window"},
    {Counter::tcp_out_of_order, "pushmail_data_tcp_out_of_order_total", "segments that came before the bytes in front of them"},
    {Counter::tcp_out_of_order_discarded, "pushmail_data_tcp_out_of_order_discarded_total", "bytes behind a hole given up for others"},
    {Counter::tcp_duplicates, "pushmail_data_tcp_duplicates_total", "segments that lay outside the window, as copies do"},
    {Counter::tcp_challenges, "pushmail_data_tcp_challenges_total", "challenge ACKs (RFC 5961)"},
    {Counter::tcp_resets_in, "pushmail_data_tcp_resets_in_total", "RST obeyed"},
    {Counter::tcp_resets_out, "pushmail_data_tcp_resets_out_total", "RST sent"},
    {Counter::tcp_accepted, "pushmail_data_tcp_accepted_total", "connections that peers opened"},
    {Counter::tcp_opened, "pushmail_data_tcp_opened_total", "connections that we opened"},
    {Counter::tcp_half_open_expired, "pushmail_data_tcp_half_open_expired_total", "handshakes of peers not finished in time"},
    {Counter::tcp_cookies_sent, "pushmail_data_tcp_cookies_sent_total", "SYN answered with a cookie"},
    {Counter::tcp_cookies_accepted, "pushmail_data_tcp_cookies_accepted_total", "connections made from a valid cookie"},
    {Counter::tcp_arp_claims, "pushmail_data_tcp_arp_claims_total", "ARP packets with another MAC for a known address"},
    {Counter::tcp_arp_evicted, "pushmail_data_tcp_arp_evicted_total", "questions for an address given up because too many are open"},
    {Counter::tcp_connections, "pushmail_data_tcp_connections", "connections now"},
    {Counter::tcp_half_open, "pushmail_data_tcp_half_open", "of these: handshakes that a peer began"},
    {Counter::tcp_time_wait, "pushmail_data_tcp_time_wait", "entries in TIME-WAIT now"},
    {Counter::tcp_receive_memory, "pushmail_data_tcp_receive_memory_bytes", "memory that received and undelivered bytes take now"},
    {Counter::tcp_drop_short_frame, "pushmail_data_tcp_drop_short_frame_total", "frames dropped: shorter than an Ethernet header"},
    {Counter::tcp_drop_not_ours, "pushmail_data_tcp_drop_not_ours_total", "frames dropped: another MAC or IP address"},
    {Counter::tcp_drop_other_protocol, "pushmail_data_tcp_drop_other_protocol_total", "frames dropped: not ARP, TCP or ICMP echo"},
    {Counter::tcp_drop_bad_ip_header, "pushmail_data_tcp_drop_bad_ip_header_total", "frames dropped: IPv4 header lengths"},
    {Counter::tcp_drop_bad_ip_checksum, "pushmail_data_tcp_drop_bad_ip_checksum_total", "frames dropped: IPv4 header checksum"},
    {Counter::tcp_drop_fragment, "pushmail_data_tcp_drop_fragment_total", "frames dropped: a fragment (none is put together)"},
    {Counter::tcp_drop_bad_source, "pushmail_data_tcp_drop_bad_source_total", "frames dropped: source is ours, multicast or loopback"},
    {Counter::tcp_drop_bad_tcp_header, "pushmail_data_tcp_drop_bad_tcp_header_total", "segments dropped: header or option lengths"},
    {Counter::tcp_drop_bad_tcp_checksum, "pushmail_data_tcp_drop_bad_tcp_checksum_total", "segments dropped: TCP checksum"},
    {Counter::tcp_drop_bad_arp, "pushmail_data_tcp_drop_bad_arp_total", "frames dropped: ARP that is malformed or claims our own address"},
    {Counter::tcp_drop_no_frame, "pushmail_data_tcp_drop_no_frame_total", "frames not sent: the pool is spent"},
    {Counter::tcp_drop_no_neighbour, "pushmail_data_tcp_drop_no_neighbour_total", "frames not sent: the next hop's MAC is not known"},
    {Counter::tcp_drop_backlog, "pushmail_data_tcp_drop_backlog_total", "frames not sent: the port does not take more"},
    {Counter::tcp_drop_connections_spent, "pushmail_data_tcp_drop_connections_spent_total", "SYN or cookie dropped: too many connections"},
    {Counter::tcp_drop_cookie_refused, "pushmail_data_tcp_drop_cookie_refused_total", "segments dropped: no valid cookie"},
    {Counter::tcp_drop_receive_memory, "pushmail_data_tcp_drop_receive_memory_total", "segments dropped: receive memory is spent"},
    {Counter::tcp_drop_receive_blocks, "pushmail_data_tcp_drop_receive_blocks_total", "segments dropped: too many pieces behind a hole"},
});

inline constexpr ErrorInfo counters_file{"counters.file", "the counters file cannot be made or read", "", Fault::world};

/// Whose counters they are. All zeros: made by a version that did not write it down.
struct CountersOwner {
  std::int64_t pid = 0;
  Timestamp started{};
  std::uint64_t configuration = 0;  // Config::generation()
};

class Counters {
 public:
  /// Makes the file anew (a reader that has the old one mapped keeps the old values). Only who holds the lock of the state folder may.
  [[nodiscard]] static Result<std::unique_ptr<Counters>> create(const std::filesystem::path& file, const CountersOwner& owner = {});
  /// Without a file: for tests.
  [[nodiscard]] static std::unique_ptr<Counters> in_memory();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;
  ~Counters();

  void add(Counter counter, std::uint64_t count = 1);
  void set(Counter counter, std::uint64_t value);
  /// What the program runs with from now on (CountersOwner::configuration).
  void set_configuration(std::uint64_t generation);
  [[nodiscard]] std::uint64_t get(Counter counter) const;

 private:
  explicit Counters(void* mapped) : mapped_(mapped) {}
  [[nodiscard]] std::uint64_t& value(Counter counter) const;
  void* mapped_;
};

struct CountersRead {
  CountersOwner owner{};
  std::vector<std::pair<std::string, std::uint64_t>> entries{};  // name and value of every one
  /// 0 where the file has no such entry.
  [[nodiscard]] std::uint64_t value(Counter counter) const;
};
/// A counters file; an error has the errno of what could not be read.
[[nodiscard]] Result<CountersRead> read_counters(const std::filesystem::path& file);

}  // namespace pushmail
