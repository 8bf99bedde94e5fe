// The rules that an MM7 body can break, and the StatusCode that answers each (status.cpp).
#pragma once

#include "core/result.h"

namespace pushmail::mm7 {

inline constexpr ErrorInfo mm7_no_soap_part{"mm7.no_soap_part", "the body holds no SOAP envelope", "TS 23.140 §8.7.2"};
inline constexpr ErrorInfo mm7_bad_xml{"mm7.bad_xml", "the envelope is not well-formed XML", "XML 1.0 §2.1"};
inline constexpr ErrorInfo mm7_doctype{"mm7.doctype", "a SOAP message must not contain a document type declaration", "SOAP 1.1 §3"};
inline constexpr ErrorInfo mm7_xml_too_large{"mm7.xml_too_large", "the envelope is larger than the limit", ""};
inline constexpr ErrorInfo mm7_xml_too_deep{"mm7.xml_too_deep", "elements are nested deeper than the limit", ""};
inline constexpr ErrorInfo mm7_xml_attributes{"mm7.xml_attributes", "an element has more attributes than the limit", ""};
inline constexpr ErrorInfo mm7_xml_encoding{"mm7.xml_encoding", "the envelope is in an encoding that we do not read", "XML 1.0 §4.3.3"};
inline constexpr ErrorInfo mm7_must_understand{"mm7.must_understand", "a mandatory SOAP header entry is unknown", "SOAP 1.1 §4.2.3"};
inline constexpr ErrorInfo mm7_no_message{"mm7.no_message", "the SOAP body is empty", "TS 23.140 §8.7.3"};
inline constexpr ErrorInfo mm7_unknown_message{"mm7.unknown_message", "the SOAP body holds no MM7 message that we know",
                                               "TS 23.140 §8.7.9"};
inline constexpr ErrorInfo mm7_missing_element{"mm7.missing_element", "a mandatory element is missing or empty", "TS 23.140 §8.7.9"};
inline constexpr ErrorInfo mm7_bad_address{"mm7.bad_address", "an address element holds no address", "TS 23.140 §8.7.9"};
inline constexpr ErrorInfo mm7_two_senders{"mm7.two_senders", "more than one Sender, or more than one address in it", "TS 23.140 §8.7.9"};
inline constexpr ErrorInfo mm7_two_answers{"mm7.two_answers", "the answer has two statuses, or two ids that differ", "TS 23.140 §8.7.9"};
inline constexpr ErrorInfo mm7_no_content{"mm7.no_content", "the part that Content names is missing", "TS 23.140 §8.7.2"};

// Knobs of a peer's dialect (dialect.h), not of a message.
inline constexpr ErrorInfo mm7_unknown_knob{"mm7.unknown_knob", "there is no such knob or profile", "", Fault::us};
inline constexpr ErrorInfo mm7_bad_knob{"mm7.bad_knob", "the knob does not take this value", "", Fault::us};

}  // namespace pushmail::mm7
