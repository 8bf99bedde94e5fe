// The table of all keys: the sample file, the check and the readers come from these rows, and from those of core/peer_fields.h.
#include <algorithm>
#include <array>

#include "core/config.h"
#include "core/limits.h"
#include "core/peer_fields.h"

namespace pushmail {

namespace {

constexpr auto before_peers = std::to_array<ConfigKey>({
    {"domain", KeyType::text, "!", "", no_least, no_most, "our mail domain: RCPT check, Message-ID, reply aliases, EHLO name"},
    {"node", KeyType::number, "1", "", 0, 4095, "number of this node in item ids"},

    {"link.kind", KeyType::word, "!", "kernel|dpdk", no_least, no_most,
     "what carries MM7 and SMTP: kernel sockets, or our TCP on a DPDK port"},
    {"link.address", KeyType::text, "", "", no_least, no_most, "dpdk: our address and prefix, 198.18.0.2/24"},
    {"link.gateway", KeyType::text, "", "", no_least, no_most, "dpdk: next hop for other networks"},
    {"link.gateway_mac", KeyType::text, "", "", no_least, no_most,
     "dpdk: the gateway's MAC address, which no ARP packet changes; empty: ARP finds it"},
    {"link.mac", KeyType::text, "", "", no_least, no_most, "dpdk: our MAC address; empty: the port's own"},
    {"link.mtu", KeyType::number, "1500", "", 576, 9000, "dpdk: bytes of an IP packet"},
    {"link.allow", KeyType::text, "", "", no_least, no_most, "dpdk: PCI address of the port (EAL --allow)"},
    {"link.vdev", KeyType::text, "", "", no_least, no_most, "dpdk: virtual device (EAL --vdev), net_tap0,iface=pm0,mac=02:00:00:00:00:02"},
    {"link.huge_pages", KeyType::flag, "false", "", no_least, no_most, "dpdk: use huge pages; without them EAL gets --no-huge"},
    {"link.memory", KeyType::size, "512MiB", "", 64 << 20, no_most, "dpdk: memory of EAL"},

    {"worker.poll", KeyType::word, "adaptive", "adaptive|busy", no_least, no_most, "whether an idle worker sleeps or spins"},

    {"journal.segment_size", KeyType::size, "64MiB", "", 1 << 20, no_most, "size of a segment file"},
    {"journal.lane_size_max", KeyType::size, "64GiB", "", 4 << 20, no_most, "above this a lane takes no more messages"},

    {"smtp.listen", KeyType::endpoint, "127.0.0.1:25", "", no_least, no_most,
     "where forwarded mail comes in; nobody else reaches it until this names an address of ours"},
    {"smtp.tls_listen", KeyType::endpoint, "", "", no_least, no_most,
     "the same with TLS from the first byte on, port 465; needs tls.certificate, with which smtp.listen offers STARTTLS"},
    {"smtp.connections_max", KeyType::number, "10000", "", 1, 100'000,
     "connections of all sources; when they are all used, the oldest one that waits for its first command makes room", Taken::at_reload},
    {"smtp.connections_per_source_max", KeyType::number, "200", "", 1, 100'000, "connections of one source: an IPv4 address, an IPv6 /64",
     Taken::at_reload},
    {"smtp.connections_reserved", KeyType::number, "32", "", 0, 10'000, "of connections_max, those that only sources in smtp.trusted get",
     Taken::at_reload},
    {"smtp.trusted", KeyType::network_list, "", "", no_least, no_most,
     "hosts that forward mail to us: reserved connections, the larger budgets below, no limit for each source", Taken::at_reload},
    {"smtp.unknown_recipients_per_minute", KeyType::number, "20", "", 0, 1'000'000,
     "RCPTs of one source that name nobody here; beyond them 421", Taken::at_reload},
    {"smtp.unknown_recipients_per_hour", KeyType::number, "100", "", 0, 1'000'000, "the same for a longer time", Taken::at_reload},
    {"smtp.trusted_unknown_recipients_per_minute", KeyType::number, "600", "", 0, 1'000'000, "the same for each source in smtp.trusted",
     Taken::at_reload},
    {"smtp.trusted_unknown_recipients_per_hour", KeyType::number, "10000", "", 0, 1'000'000, "the same for a longer time",
     Taken::at_reload},
    {"smtp.postmaster", KeyType::text, "", "", no_least, no_most,
     "mail address that mail to our postmaster goes to, by smtp.smart_host; empty: it is accepted, logged and counted", Taken::at_reload},
    {"smtp.size_max", KeyType::size, "25MiB", "", 1 << 10, limits::mail_size_max, "largest mail", Taken::at_reload},
    {"smtp.trusted_authserv", KeyType::text_list, "", "", no_least, no_most,
     "names in Authentication-Results of the mail servers whose findings are believed; they must remove others' fields of their name",
     Taken::at_reload},
    {"smtp.phone_mails_max", KeyType::number, "60", "", 1, 1'000'000'000, "mails an hour that others may forward to one phone; then 452",
     Taken::at_reload},
    {"smtp.source_mails_max", KeyType::number, "40", "", 1, 1'000'000'000, "of these from one address; then 451", Taken::at_reload},
    {"smtp.sender_mails_max", KeyType::number, "20", "", 1, 1'000'000'000, "of these from one sender's domain; then 451", Taken::at_reload},
    {"smtp.phone_waiting_max", KeyType::number, "50", "", 1, 100'000, "forwarded mails that wait for one phone at once; then 452",
     Taken::at_reload},
    {"smtp.smart_host", KeyType::endpoint, "", "", no_least, no_most, "where mail from phones goes"},
    {"smtp.smart_host_tls", KeyType::word, "off", "off|starttls|implicit", no_least, no_most,
     "starttls: the connection is encrypted behind STARTTLS; implicit: from its first byte on; without it no mail goes"},
    {"smtp.smart_host_name", KeyType::text, "", "", no_least, no_most,
     "name that the smart host's certificate must carry; empty: its address"},
    {"smtp.smart_host_user", KeyType::text, "", "", no_least, no_most,
     "who we log in as at the smart host, which needs smtp.smart_host_tls; empty: no log-in"},
    {"smtp.smart_host_password_file", KeyType::text, "", "", no_least, no_most,
     "file with the password, or with scheme xoauth2 the token; the data plane's user reads it anew for each log-in"},
    {"smtp.smart_host_scheme", KeyType::word, "auto", "auto|plain|login|xoauth2", no_least, no_most,
     "auto: AUTH PLAIN where the smart host offers it, else LOGIN; xoauth2: a token, never a password"},
    {"smtp.smart_host_login_in_clear", KeyType::flag, "false", "", no_least, no_most,
     "true: log in also without TLS, where whoever listens has the password"},
    {"smtp.retry_first", KeyType::duration, "5s", "", 100, day_ms, "first retry after a temporary failure; doubles with jitter",
     Taken::at_reload},
    {"smtp.retry_most", KeyType::duration, "10min", "", 100, day_ms, "longest time between two tries", Taken::at_reload},
    {"smtp.unknown_retry", KeyType::duration, "30min", "", 1000, day_ms,
     "when a mail whose final dot got no reply is sent again; RFC 5321 §4.5.4.1 asks for 30min or more", Taken::at_reload},
    {"smtp.expire", KeyType::duration, "5d", "", 1000, 30 * day_ms, "when a mail that cannot be sent fails", Taken::at_reload},

    {"http.listen", KeyType::endpoint, "127.0.0.1:8080", "", no_least, no_most,
     "where MMSCs send DeliverReq and reports; nobody else reaches it until this names an address of ours"},
    {"http.tls_listen", KeyType::endpoint, "", "", no_least, no_most, "the same with TLS, https; needs tls.certificate"},
    {"http.connections_max", KeyType::number, "10000", "", 1, 100'000,
     "connections of all sources; when they are all used, the oldest one that has not sent a whole head makes room", Taken::at_reload},
    {"http.connections_per_source_max", KeyType::number, "200", "", 1, 100'000,
     "connections of one source that no peer's allow names: an IPv4 address, an IPv6 /64", Taken::at_reload},
    {"http.connections_reserved", KeyType::number, "32", "", 0, 10'000,
     "of connections_max, for each peer with allow: those that only its addresses get", Taken::at_reload},
    {"http.wrong_passwords_per_minute", KeyType::number, "10", "", 0, 1'000'000,
     "requests of one source that give a wrong password; beyond them it is turned away", Taken::at_reload},
    {"http.wrong_passwords_per_hour", KeyType::number, "60", "", 0, 1'000'000, "the same for a longer time", Taken::at_reload},
});

constexpr auto after_peers = std::to_array<ConfigKey>({
    {"numbering.country_code", KeyType::text, "", "", no_least, no_most,
     "country code of the home network, 49; empty: national numbers (0..., TON 2) are refused"},
    {"numbering.trunk_prefix", KeyType::text, "0", "", no_least, no_most, "digits in front of a national number; empty: there are none"},
    {"numbering.international_prefixes", KeyType::text_list, "00", "", no_least, no_most, "digits that stand for +: 00, 011"},
    {"numbering.national_length", KeyType::text, "", "", no_least, no_most,
     "digits of a national number without its prefix, 10 or 7-11; empty: not known"},
    {"numbering.bare", KeyType::word, "checked", "checked|international|national", no_least, no_most,
     "what digits without + and prefix are; checked: an international number, and refused where they may be a national one too"},
    {"numbering.short_codes", KeyType::text_list, "", "", no_least, no_most,
     "digits that are no phone's number, beside the service numbers: 112, 40404; whatever has at most 6 digits and no + is none either"},

    {"mailbox.allow_networks", KeyType::text_list, "", "", no_least, no_most, "networks of mailbox hosts beside public ones, 10.0.0.0/8",
     Taken::at_reload},
    {"mailbox.fetchers", KeyType::number, "1", "", 1, 64, "fetcher processes"},
    {"mailbox.providers", KeyType::text, "", "", no_least, no_most,
     "file with what mail providers need, in place of the built-in conf/providers.toml", Taken::at_reload},
    {"mailbox.mail_size_max", KeyType::size, "25MiB", "", 1 << 10, limits::mail_size_max, "larger mails are announced, not fetched",
     Taken::at_reload},

    {"schedule.round", KeyType::duration, "15min", "", 1000, day_ms, "round robin: every mailbox once in this time", Taken::at_reload},

    {"rules.file", KeyType::text, "", "", no_least, no_most, "content rules for mail, one a line; empty: none", Taken::at_reload},

    {"notify.smsc", KeyType::endpoint, "", "", no_least, no_most, "SMPP 3.4 server; with a [bearer.NAME] none is needed"},
    {"notify.tls", KeyType::word, "off", "off|on", no_least, no_most, "SMPP over TLS, from the first byte on"},
    {"notify.tls_name", KeyType::text, "", "", no_least, no_most, "name that the SMSC's certificate must carry; empty: its address"},
    {"notify.tls_ca", KeyType::text, "", "", no_least, no_most,
     "PEM file of the authorities that the SMSC's certificate may come from, in place of Debian's and tls.extra_ca"},
    {"notify.tls_certificate", KeyType::text, "", "", no_least, no_most, "PEM file of the certificate that we show to the SMSC"},
    {"notify.tls_key", KeyType::text, "", "", no_least, no_most, "PEM file of its key"},
    {"notify.system_id", KeyType::text, "pushmail", "", no_least, no_most, "SMPP system_id"},
    {"notify.password_file", KeyType::text, "", "", no_least, no_most, "file with the SMPP password"},
    {"notify.system_type", KeyType::text, "", "", no_least, no_most, "SMPP system_type"},
    {"notify.source", KeyType::text, "!", "", no_least, no_most, "sender of our SMS; phones answer to it"},
    {"notify.window", KeyType::number, "10", "", 1, 1000, "unanswered submit_sm"},
    {"notify.bind", KeyType::word, "auto", "auto|transceiver|pair", no_least, no_most,
     "one SMPP session for both ways, or a transmitter and a receiver; auto: a pair where the SMSC refuses the one"},
    {"notify.default_alphabet", KeyType::word, "gsm", "gsm|ascii|latin1", no_least, no_most,
     "what the SMSC takes data_coding 0 for, in both directions; it turns it into the default alphabet of GSM"},
    {"notify.message_id_form", KeyType::word, "auto", "auto|same|response_hex|receipt_hex", no_least, no_most,
     "how a receipt writes the message id of the answer to our SMS: the same, or one of both in hex and the other in decimal; auto: found "
     "out"},
    {"notify.enquire_link", KeyType::duration, "30s", "", 1000, day_ms,
     "time without an answer before enquire_link; twice as long for its own, 5 s to 60 s"},
    {"notify.sms_per_hour_max", KeyType::number, "100", "", 1, 100,
     "SMS of one kind to one phone in an hour, at most; the kinds' own ceilings may be lower"},
    {"notify.code_lifetime", KeyType::duration, "7d", "", 1000, 30 * day_ms, "how long a phone may ask for a mail", Taken::at_reload},
    {"notify.own_max", KeyType::number, "10", "", 1, 80,
     "SMS about unanswered mails of its own mailbox that a phone gets in notify.own_window; one more counts the rest", Taken::at_reload},
    {"notify.own_window", KeyType::duration, "10min", "", 1000, 30 * day_ms, "see notify.own_max", Taken::at_reload},
    {"notify.strangers_max", KeyType::number, "3", "", 1, 80, "the same for mails that others forward to the phone", Taken::at_reload},
    {"notify.strangers_window", KeyType::duration, "2h", "", 1000, 30 * day_ms, "see notify.strangers_max", Taken::at_reload},
    {"notify.strangers_codes_max", KeyType::number, "30", "", 1, 80, "reply codes (of 90) of a phone that forwarded mails may have at once",
     Taken::at_reload},

    // What a bearer does not give is as [notify] says, for each key that stands there too.
    {"bearer.*.kind", KeyType::word, "smpp", "smpp", no_least, no_most, "what carries SMS, beside or instead of notify.smsc"},
    {"bearer.*.order", KeyType::number, "1", "", 1, 100,
     "bearers of the lowest order that work share the SMS; the next order is used when none of them works"},
    {"bearer.*.smsc", KeyType::endpoint, "", "", no_least, no_most, "smpp: see notify.smsc, and so on"},
    {"bearer.*.tls", KeyType::word, "", "off|on", no_least, no_most, "smpp"},
    {"bearer.*.tls_name", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.tls_ca", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.tls_certificate", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.tls_key", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.system_id", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.password_file", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.system_type", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.source", KeyType::text, "", "", no_least, no_most, "smpp"},
    {"bearer.*.window", KeyType::number, "", "", 1, 1000, "smpp"},
    {"bearer.*.bind", KeyType::word, "", "auto|transceiver|pair", no_least, no_most, "smpp"},
    {"bearer.*.default_alphabet", KeyType::word, "", "gsm|ascii|latin1", no_least, no_most, "smpp"},
    {"bearer.*.message_id_form", KeyType::word, "", "auto|same|response_hex|receipt_hex", no_least, no_most, "smpp"},
    {"bearer.*.enquire_link", KeyType::duration, "", "", 1000, day_ms, "smpp"},

    {"api.readers", KeyType::text_list, "", "", no_least, no_most,
     "users, and groups as @NAME, that may look at everything over the API's socket; the group pushmail-api may reach it"},
    {"api.operators", KeyType::text_list, "", "", no_least, no_most, "those that may also poll mailboxes, suspend and resume bindings"},
    {"api.agents", KeyType::text_list, "", "", no_least, no_most, "those that may also make, change and remove bindings"},
    {"api.admins", KeyType::text_list, "", "", no_least, no_most, "those that may do all that root may"},

    {"metrics.listen", KeyType::endpoint, "127.0.0.1:9464", "", no_least, no_most,
     "where the control plane answers GET /metrics, /livez and /readyz, without a password; port 0: any free one, which its log names"},

    {"tls.certificate", KeyType::text, "", "", no_least, no_most,
     "PEM file of our certificate, those between it and its authority behind it: for http.tls_listen, smtp.tls_listen and STARTTLS",
     Taken::at_reload},
    {"tls.key", KeyType::text, "", "", no_least, no_most, "PEM file of its key", Taken::at_reload},
    {"tls.extra_ca", KeyType::text, "", "", no_least, no_most, "PEM file of certification authorities beside Debian's", Taken::at_reload},

    {"dns.servers", KeyType::text_list, "", "", no_least, no_most, "DNS servers, address:port; none: resolv.conf"},

    {"log.level", KeyType::word, "info", "debug|info|warning|error", no_least, no_most, "least level that is written", Taken::at_reload},
    {"log.pii", KeyType::word, "hashed", "hashed|clear", no_least, no_most, "whether numbers and addresses are readable in logs"},

    {"secrets.kek_file", KeyType::text, "", "", no_least, no_most,
     "32-byte key that seals mailbox passwords, mode 0400; empty: $CREDENTIALS_DIRECTORY/kek"},
});

constexpr bool has_key(const PeerField& field) { return !field.key.path.empty(); }

constexpr auto keys = [] {
  std::array<ConfigKey, before_peers.size() + std::ranges::count_if(peer_fields, has_key) + after_peers.size()> all{};
  auto end = std::ranges::copy(before_peers, all.begin()).out;
  for (const PeerField& field : peer_fields) {
    if (!has_key(field)) continue;
    *end = field.key;
    // All of a peer: it comes, goes and changes while the programs run.
    end++->taken = Taken::at_reload;
  }
  std::ranges::copy(after_peers, end);
  return all;
}();

}  // namespace

std::span<const ConfigKey> config_keys() { return keys; }

}  // namespace pushmail
