// The rules that core itself can find broken.
#pragma once

#include "core/result.h"

namespace pushmail {

inline constexpr ErrorInfo core_bad_msisdn{"core.bad_msisdn", "a phone number is 5 to 15 digits and does not start with 0",
                                           "ITU-T E.164 §6"};
inline constexpr ErrorInfo core_bad_item_id{"core.bad_item_id", "an item id is 26 characters of base32", ""};
inline constexpr ErrorInfo core_bad_trace_id{"core.bad_trace_id", "a trace id is 32 hex digits", "W3C Trace Context §3.2.2"};
inline constexpr ErrorInfo core_bad_time{"core.bad_time", "not a date and time", "RFC 3339 §5.6"};
inline constexpr ErrorInfo core_bad_address{"core.bad_address", "not an IP address, or not address:port", "RFC 4291 §2.2"};
inline constexpr ErrorInfo core_record_short{"core.record_short", "the record ends before its announced length", ""};
inline constexpr ErrorInfo core_record_too_long{"core.record_too_long", "the record is longer than the limit", ""};
inline constexpr ErrorInfo core_record_crc{"core.record_crc", "the record's checksum does not match", ""};
inline constexpr ErrorInfo core_record_field{"core.record_field", "a field runs past the end of its record, or has the wrong size", ""};
inline constexpr ErrorInfo core_os{"core.os", "the system has no descriptor, thread or memory for what is needed", "", Fault::world,
                                   Lasting::temporary};
inline constexpr ErrorInfo core_account{"core.account", "the users and groups of this machine cannot be read", "", Fault::world,
                                        Lasting::temporary};
inline constexpr ErrorInfo core_file_read{"core.file_read", "a file cannot be read", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo core_file_open_to_others{
    "core.file_open_to_others",
    "others may read it; its mode must be 0400 or 0600, or a password's 0440 with the group "
    "pushmail",
    "", Fault::us, Lasting::permanent};
inline constexpr ErrorInfo core_file_write{"core.file_write", "a file cannot be written", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo core_folder{"core.folder", "a folder cannot be made, opened or synced", "", Fault::world, Lasting::temporary};

// core/tls
[[nodiscard]] constexpr bool is_of_tls(const ErrorInfo& row) { return row.name.starts_with("core.tls_"); }
inline constexpr ErrorInfo core_tls_setup{"core.tls_setup", "certificates or keys for TLS cannot be used", "", Fault::world,
                                          Lasting::permanent};
inline constexpr ErrorInfo core_tls_name{"core.tls_name", "there is no name to check the certificate against", "RFC 6125 §6.2", Fault::us,
                                         Lasting::permanent};
inline constexpr ErrorInfo core_tls_certificate{"core.tls_certificate",
                                                "the certificate is not trusted, not valid now, or for another name", "RFC 5280 §6",
                                                Fault::peer, Lasting::permanent};
inline constexpr ErrorInfo core_tls_expired{"core.tls_expired", "the certificate has expired, or is not valid yet", "RFC 5280 §4.1.2.5",
                                            Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo core_tls_wrong_name{"core.tls_wrong_name", "the certificate is for another name", "RFC 6125 §6", Fault::peer,
                                               Lasting::temporary};
inline constexpr ErrorInfo core_tls_unknown_authority{"core.tls_unknown_authority", "the certificate's authority is not one that we trust",
                                                      "RFC 5280 §6", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo core_tls_no_certificate{"core.tls_no_certificate", "the other side has shown no certificate",
                                                   "RFC 8446 §4.4.2.4", Fault::peer};
inline constexpr ErrorInfo core_tls_ours_refused{"core.tls_ours_refused", "the other side does not take our certificate, or wants one",
                                                 "RFC 8446 §6.2", Fault::us, Lasting::temporary};
inline constexpr ErrorInfo core_tls_version{"core.tls_version", "the other side speaks neither TLS 1.2 nor 1.3", "RFC 8996", Fault::peer,
                                            Lasting::temporary};
inline constexpr ErrorInfo core_tls_not_tls{"core.tls_not_tls", "what the other side speaks is not TLS", "RFC 8446 §5.1", Fault::peer,
                                            Lasting::temporary};
inline constexpr ErrorInfo core_tls_handshake{"core.tls_handshake", "no TLS connection came about", "RFC 8446 §4", Fault::peer,
                                              Lasting::temporary};
inline constexpr ErrorInfo core_tls_broken{"core.tls_broken", "the TLS connection broke", "RFC 8446 §6.2", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo core_tls_cut{"core.tls_cut", "the connection ended without the goodbye of TLS", "RFC 8446 §6.1", Fault::peer,
                                        Lasting::temporary};
inline constexpr ErrorInfo core_tls_late{"core.tls_late", "no TLS connection came about in time", "", Fault::peer, Lasting::temporary};
inline constexpr ErrorInfo core_tls_too_many{"core.tls_too_many", "too many handshakes of one source that came to nothing", "", Fault::peer,
                                             Lasting::temporary};
inline constexpr ErrorInfo core_tls_closed{"core.tls_closed", "the peer closed the TLS connection", "RFC 8446 §6.1", Fault::peer,
                                           Lasting::temporary};

}  // namespace pushmail
