#include "codec/wap/content_type.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "codec/wap/errors.h"
#include "codec/wap/numbers.h"
#include "core/ascii.h"
#include "core/limits.h"

namespace pushmail::wap {

namespace {

constexpr std::uint8_t parameter_q = 0x00;
/// Parameters whose value is a number; q is written as a bare uintvar, the others as integers.
constexpr std::array<std::string_view, 9> numeric_parameters{
    "q", "level", "padding", "max-age", "sec", "creation-date", "modification-date", "read-date", "size"};
constexpr std::string_view unassigned_type = "application/octet-stream";

std::string_view type_of(std::uint64_t number) {
  const std::string_view name = content_type_name(number);
  return name.empty() ? unassigned_type : name;
}

std::string_view decimal(std::uint64_t number, Arena& arena) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// Media type alone: a number, or text.
Result<std::string_view> read_media(Reader& reader, Arena& arena) {
  const std::uint8_t first = reader.peek();
  if (first >= 0x80 || (first > 0 && first < 0x1F)) {
    PM_TRY(const std::uint64_t number, reader.integer());
    return type_of(number);
  }
  if (first < 0x20) return fail(reader.at_end() ? wsp_truncated : wsp_bad_type, reader.offset());
  PM_TRY(const std::string_view text, reader.text());
  const std::string_view name = ascii_trim(text);
  return name.empty() ? unassigned_type : lower(name, arena);
}

/// The value's first octet tells its type, but for q, which is a bare uintvar.
Result<std::string_view> read_parameter_value(Reader& reader, std::string_view name, std::uint64_t number, Arena& arena) {
  if (number == parameter_q) {
    PM_TRY(const std::uint32_t q, reader.uintvar());
    return decimal(q, arena);
  }
  const std::uint8_t first = reader.peek();
  if (reader.at_end()) return fail(wsp_truncated, reader.offset());
  if (first >= 0x80 || (first > 0 && first < 0x1F)) {
    PM_TRY(const std::uint64_t value, reader.integer());
    if (name == "charset") return charset_name(value);
    if (name == "type") return type_of(value);
    return decimal(value, arena);
  }
  return reader.text();
}

Result<Parameter> read_parameter(Reader& reader, Arena& arena) {
  const std::uint8_t first = reader.peek();
  Parameter parameter;
  std::uint64_t number = UINT64_MAX;
  if (first >= 0x80 || first < 0x20) {
    PM_TRY(number, reader.integer());
    parameter.name = parameter_name(number);
  } else {
    PM_TRY(const std::string_view name, reader.text());
    parameter.name = lower(name, arena);
  }
  PM_TRY(parameter.value, read_parameter_value(reader, parameter.name, number, arena));
  return parameter;
}

/// `text/plain; charset=utf-8` in one text, as phones write it that take the type for a header of mail: the parameters go behind those that
/// stand where they should.
void split_parameters(ContentType& type, Arena& arena) {
  const std::size_t semicolon = type.media_type.find(';');
  if (semicolon == std::string_view::npos) return;
  std::string_view rest = type.media_type.substr(semicolon + 1);
  type.media_type = ascii_trim(type.media_type.substr(0, semicolon));
  if (type.media_type.empty()) type.media_type = unassigned_type;
  ArenaList<Parameter> parameters(arena);
  for (const Parameter& parameter : type.parameters) parameters.push_back(parameter);
  while (!rest.empty() && parameters.size() < limits::mime_parameter_count_max) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view piece = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = ascii_trim(piece.substr(0, equals));
    if (name.empty()) continue;  // as among those that stand where they should
    std::string_view value = ascii_trim(piece.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    parameters.push_back({.name = name, .value = value});
  }
  type.parameters = parameters.take();
}

/// The value of a parameter that is a number, and max where it is not one.
constexpr std::uint64_t no_number = UINT64_MAX;
std::uint64_t number_in(const Parameter& parameter) {
  if (std::ranges::find(numeric_parameters, parameter.name) == numeric_parameters.end()) return no_number;
  return parse_number<std::uint64_t>(parameter.value).value_or(no_number);
}

}  // namespace

std::string_view ContentType::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &Parameter::name);
  return found == parameters.end() ? std::string_view{} : found->value;
}

std::span<const Parameter> read_parameters(Reader& reader, Arena& arena) {
  ArenaList<Parameter> parameters(arena);
  while (!reader.at_end() && parameters.size() < limits::mime_parameter_count_max) {
    const auto parameter = read_parameter(reader, arena);
    if (!parameter) break;
    if (!parameter->name.empty()) parameters.push_back(*parameter);
  }
  return parameters.take();
}

Result<ContentType> read_content_type(Reader& reader, Arena& arena) {
  ContentType type;
  if (reader.peek() >= 0x20) {
    PM_TRY(type.media_type, read_media(reader, arena));
    split_parameters(type, arena);
    return type;
  }
  PM_TRY(Reader value, reader.counted());
  PM_TRY(type.media_type, read_media(value, arena));
  type.parameters = read_parameters(value, arena);
  split_parameters(type, arena);
  return type;
}

void write_parameter(Bytes& out, const Parameter& parameter) {
  const auto number = parameter_number(parameter.name);
  const auto charset = parameter.name == "charset" ? charset_number(parameter.value) : std::nullopt;
  const std::uint64_t numeric = number_in(parameter);
  const bool is_q = parameter.name == "q";
  // A value that its code cannot carry travels under the parameter's name.
  const bool does_not_fit = (parameter.name == "charset" && !charset) || (is_q && numeric > UINT32_MAX);
  if (!number || does_not_fit) {
    write_text(out, parameter.name);
    write_text(out, parameter.value);
    return;
  }
  write_short_integer(out, *number);
  if (is_q) {
    write_uintvar(out, static_cast<std::uint32_t>(numeric));
  } else if (numeric != no_number) {
    write_integer(out, numeric);
  } else if (parameter.name == "charset") {
    write_integer(out, *charset);
  } else if (const auto type = parameter.name == "type" ? content_type_number(parameter.value) : std::nullopt; type && *type < 0x80) {
    write_short_integer(out, static_cast<std::uint8_t>(*type));
  } else {
    write_text(out, parameter.value);
  }
}

void write_content_type(Bytes& out, const ContentType& type) {
  const std::size_t begin = out.size();
  const auto number = content_type_number(type.media_type);
  if (number) {
    write_integer(out, *number);
  } else {
    write_text(out, type.media_type);
  }
  // A constrained media is a short integer or a text; a longer number needs the general form.
  if (type.parameters.empty() && (!number || *number < 0x80)) return;
  for (const Parameter& parameter : type.parameters) write_parameter(out, parameter);
  insert_value_length(out, begin);
}

}  // namespace pushmail::wap
