// MMS PDUs out: the rows of the PDU's table, then the content as a gather list. Pieces of heads and data take turns, so a piece's place in
// the list says which it is.
#include <array>

#include "codec/mms/errors.h"
#include "codec/mms/fields.h"
#include "codec/wap/multipart.h"

namespace pushmail::mms {

namespace {

constexpr std::uint8_t yes = 0x80;
constexpr std::uint8_t no = 0x81;
constexpr std::size_t header_size_usual = 256;
constexpr std::size_t part_head_size_usual = 48;  // beside its texts

constexpr std::uint8_t response_status_code = 0x92;

void write_address(Bytes& out, const From& from) {
  if (from.kind == From::Kind::insert) {
    out.push_back(0x81);
    return;
  }
  out.push_back(0x80);
  wap::write_encoded_string(out, from.address);
}

void write_element(Bytes& out, const ElementDescriptor& element) {
  wap::write_text(out, element.reference);
  for (const ElementDescriptor::Parameter& parameter : element.parameters)
    wap::write_parameter(out, {.name = parameter.name, .value = parameter.value});
}

/// One value, by the type of its member and, where that is not enough, by its kind.
class ValueWriter {
 public:
  ValueWriter(Bytes& out, const Field& field, std::uint8_t version) : out_(out), field_(field), version_(version) {}

  void operator()(const std::string& text) {
    if (field_.kind == FieldKind::encoded) return wap::write_encoded_string(out_, text);
    const auto code = field_.kind == FieldKind::message_class ? message_class_code(text) : std::nullopt;
    if (code) return out_.push_back(*code);
    wap::write_text(out_, text);
  }
  void operator()(std::uint8_t octet) {
    out_.push_back(field_.code == response_status_code ? response_status_for(octet, version_) : octet);
  }
  void operator()(bool flag) { out_.push_back(flag ? yes : no); }
  void operator()(std::uint64_t number) {
    if (field_.kind == FieldKind::integer) return wap::write_integer(out_, number);
    wap::write_long_integer(out_, number);
  }
  void operator()(const TimeValue& time) {
    counted([&] {
      out_.push_back(time.kind == TimeValue::Kind::absolute ? 0x80 : 0x81);
      wap::write_long_integer(out_, time.seconds);
    });
  }
  void operator()(const From& from) {
    counted([&] { write_address(out_, from); });
  }
  void operator()(const PreviousSender& sender) {
    counted([&] {
      wap::write_integer(out_, sender.number);
      wap::write_encoded_string(out_, sender.address);
    });
  }
  void operator()(const PreviousDate& date) {
    counted([&] {
      wap::write_integer(out_, date.number);
      wap::write_long_integer(out_, date.seconds);
    });
  }
  void operator()(const MmFlag& flag) {
    counted([&] {
      out_.push_back(static_cast<std::uint8_t>(flag.action));
      wap::write_encoded_string(out_, flag.keyword);
    });
  }
  void operator()(const MboxSize& size) {
    counted([&] {
      out_.push_back(static_cast<std::uint8_t>(size.unit));
      wap::write_integer(out_, size.size);
    });
  }
  void operator()(const ElementDescriptor& element) {
    counted([&] { write_element(out_, element); });
  }
  void operator()(const CountedText& text) {
    counted([&] {
      wap::write_integer(out_, text.number);
      if (field_.kind == FieldKind::counted_encoded) return wap::write_encoded_string(out_, text.text);
      wap::write_text(out_, text.text);
    });
  }

 private:
  template <class Write>
  void counted(Write write) {
    const std::size_t begin = out_.size();
    write();
    wap::insert_value_length(out_, begin);
  }

  Bytes& out_;
  const Field& field_;
  std::uint8_t version_;
};

/// A header, or one for each entry of a list.
void write_field(Bytes& out, const Field& field, const Pdu& pdu) {
  if (field.kind == FieldKind::message_type || field.kind == FieldKind::version) {
    out.push_back(field.code);
    out.push_back(field.kind == FieldKind::version ? static_cast<std::uint8_t>(0x80 | pdu.version) : static_cast<std::uint8_t>(pdu.type));
    return;
  }
  const auto write = [&](const auto& value) {
    out.push_back(field.code);
    ValueWriter(out, field, pdu.version)(value);
  };
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::monostate>) {
          return;
        } else if constexpr (requires { (pdu.*member).has_value(); }) {
          write((pdu.*member).value());
        } else if constexpr (std::is_same_v<decltype(member), std::string Pdu::*>) {
          write(pdu.*member);
        } else {
          for (const auto& value : pdu.*member) write(value);
        }
      },
      field.member);
}

/// The parameters that a type of ours can have.
class Parameters {
 public:
  void add(std::string_view name, std::string_view value) {
    if (!value.empty()) items_[size_++] = {.name = name, .value = value};
  }
  [[nodiscard]] std::span<const wap::Parameter> items() const { return std::span(items_).first(size_); }

 private:
  std::array<wap::Parameter, 2> items_;
  std::size_t size_ = 0;
};

void write_type(Bytes& out, const MultimediaMessage& message) {
  if (message.presentation >= message.parts.size())
    return wap::write_content_type(out, {.media_type = "application/vnd.wap.multipart.mixed", .parameters = {}});
  const MultimediaPart& presentation = message.parts[message.presentation];
  std::string start;
  start.reserve(presentation.content_id.size() + 2 + presentation.content_location.size());
  if (!presentation.content_id.empty()) {
    start.append("<").append(presentation.content_id).append(">");
  } else {
    start = presentation.content_location;
  }
  Parameters parameters;
  parameters.add("start", start);
  parameters.add("type", presentation.media_type);
  wap::write_content_type(out, {.media_type = "application/vnd.wap.multipart.related", .parameters = parameters.items()});
}

void write_entry(Bytes& out, const MultimediaPart& part) {
  Parameters parameters;
  parameters.add("charset", part.charset);
  parameters.add("name", part.name);
  wap::write_entry_head(out, {.type = {.media_type = part.media_type.empty() ? "application/octet-stream" : part.media_type,
                                       .parameters = parameters.items()},
                              .content_id = part.content_id,
                              .content_location = part.content_location,
                              .file_name = {},
                              .transfer_encoding = {},
                              .data = part.data});
}

}  // namespace

std::size_t Gather::size() const {
  std::size_t total = 0;
  for (const ByteView piece : pieces) total += piece.size();
  return total;
}

Result<Gather> encode_gather(const Pdu& pdu) {
  const PduRow* row = row_of(static_cast<std::uint8_t>(pdu.type));
  if (row == nullptr || missing_field(pdu, *row, Strictness::writing) != nullptr) return fail(mms_not_encodable);
  if (row->since > pdu.version) return fail(mms_newer_pdu);
  Result<Gather> made;
  Gather& out = *made;
  std::size_t size = header_size_usual;
  for (const MultimediaPart& part : pdu.content.parts) {
    size += part_head_size_usual + part.media_type.size() + part.charset.size() + part.name.size() + part.content_id.size() +
            part.content_location.size();
  }
  out.headers.reserve(size);
  out.pieces.reserve(2 * pdu.content.parts.size() + 1);
  // Headers may move while they are written, so their pieces are first measured, with the data between them, and placed at the end.
  std::size_t from = 0;
  const auto end_piece = [&] {
    out.pieces.emplace_back(out.headers.data(), out.headers.size() - from);
    from = out.headers.size();
  };
  for (const PduField& wanted : row->fields) {
    const Field& field = *field_of(wanted.code, row->form);
    // A receiver of an older version would pass over it (OMA-MMS-ENC 1.2 §7.1).
    if (field.since > pdu.version || !is_set(pdu, field)) continue;
    if (field.kind != FieldKind::content) {
      write_field(out.headers, field, pdu);
      continue;
    }
    out.headers.push_back(field.code);
    write_type(out.headers, pdu.content);
    wap::write_uintvar(out.headers, static_cast<std::uint32_t>(pdu.content.parts.size()));
    for (const MultimediaPart& part : pdu.content.parts) {
      write_entry(out.headers, part);
      end_piece();
      out.pieces.push_back(part.data);
    }
  }
  if (from < out.headers.size()) end_piece();
  from = 0;
  for (std::size_t i = 0; i < out.pieces.size(); i += 2) {
    out.pieces[i] = ByteView(out.headers).subspan(from, out.pieces[i].size());
    from += out.pieces[i].size();
  }
  return made;
}

Result<Bytes> encode(const Pdu& pdu) {
  PM_TRY(const Gather gather, encode_gather(pdu));
  Bytes out;
  out.reserve(gather.size());
  for (const ByteView piece : gather.pieces) append(out, piece);
  return out;
}

}  // namespace pushmail::mms
