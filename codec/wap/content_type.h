// The Content-Type value of WSP (WAP-230 §8.4.2.24) and the parameters it shares with Content-Disposition.
//
// Came from: MMS PDUs, multipart entries, push headers. Goes to: codec/mms.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/wap/wsp.h"

namespace pushmail::wap {

/// A parameter by name; charsets and media types are names too, numbers are written in decimal.
struct Parameter {
  std::string name;                      // lower case
  std::string value;                     // octets as they came
  bool operator==(const Parameter&) const = default;
};

struct ContentType {
  std::string media_type;                // lower case; application/octet-stream for a number that is not assigned
  std::vector<Parameter> parameters;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  bool operator==(const ContentType&) const = default;
};

[[nodiscard]] Result<ContentType> read_content_type(Reader& reader);
/// Parameters up to the end of `reader`. One that cannot be read ends the list: those before it count.
[[nodiscard]] std::vector<Parameter> read_parameters(Reader& reader);
/// The shortest form: a number where there is one, without length where there are no parameters.
void write_content_type(Bytes& out, const ContentType& type);

}  // namespace pushmail::wap
