// The Content-Type value of WSP (WAP-230 §8.4.2.24) and the parameters it shares with Content-Disposition.
//
// Came from: MMS PDUs, multipart entries, push headers. Goes to: codec/mms. Names and values are views: into the input, into static tables,
// or into the caller's arena where something had to be changed (case, numbers).
#pragma once

#include <span>
#include <string_view>

#include "codec/wap/wsp.h"
#include "core/arena.h"

namespace pushmail::wap {

/// A parameter by name; charsets and media types are names too, numbers are written in decimal.
struct Parameter {
  std::string_view name;   // lower case
  std::string_view value;  // octets as they came
  bool operator==(const Parameter&) const = default;
};

struct ContentType {
  std::string_view media_type;  // lower case; application/octet-stream for a number that is not assigned
  std::span<const Parameter> parameters;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

[[nodiscard]] Result<ContentType> read_content_type(Reader& reader, Arena& arena);
/// Parameters up to the end of `reader`. One that cannot be read ends the list: those before it count.
[[nodiscard]] std::span<const Parameter> read_parameters(Reader& reader, Arena& arena);
void write_parameter(Bytes& out, const Parameter& parameter);
/// The shortest form: a number where there is one, without length where there are no parameters.
void write_content_type(Bytes& out, const ContentType& type);

}  // namespace pushmail::wap
