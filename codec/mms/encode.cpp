// MMS PDUs out: the rows of the PDU's table, then the content as a gather list.
#include <array>

#include "codec/mms/errors.h"
#include "codec/mms/fields.h"
#include "codec/wap/multipart.h"

namespace pushmail::mms {

namespace {

constexpr std::uint8_t yes = 0x80;
constexpr std::uint8_t no = 0x81;

void write_time(Bytes& out, const TimeValue& time) {
  const std::size_t begin = out.size();
  out.push_back(time.kind == TimeValue::Kind::absolute ? 0x80 : 0x81);
  wap::write_long_integer(out, time.seconds);
  wap::insert_value_length(out, begin);
}

void write_from(Bytes& out, const From& from) {
  const std::size_t begin = out.size();
  if (from.kind == From::Kind::insert) {
    out.push_back(0x81);
  } else {
    out.push_back(0x80);
    wap::write_encoded_string(out, from.address);
  }
  wap::insert_value_length(out, begin);
}

void write_value(Bytes& out, const Field& field, const Pdu& pdu) {
  switch (field.kind) {
    case FieldKind::message_type: out.push_back(static_cast<std::uint8_t>(pdu.type)); return;
    case FieldKind::version: wap::write_short_integer(out, pdu.version); return;
    case FieldKind::from: write_from(out, *pdu.from); return;
    case FieldKind::text: wap::write_text(out, pdu.*std::get<std::string Pdu::*>(field.member)); return;
    case FieldKind::encoded: wap::write_encoded_string(out, pdu.*std::get<std::string Pdu::*>(field.member)); return;
    case FieldKind::octet: out.push_back((pdu.*std::get<std::optional<std::uint8_t> Pdu::*>(field.member)).value()); return;
    case FieldKind::yes_no: out.push_back((pdu.*std::get<std::optional<bool> Pdu::*>(field.member)).value() ? yes : no); return;
    case FieldKind::number: wap::write_long_integer(out, (pdu.*std::get<std::optional<std::uint64_t> Pdu::*>(field.member)).value()); return;
    case FieldKind::time: write_time(out, (pdu.*std::get<std::optional<TimeValue> Pdu::*>(field.member)).value()); return;
    case FieldKind::message_class: {
      const auto code = message_class_code(pdu.message_class);
      if (code) {
        out.push_back(*code);
      } else {
        wap::write_text(out, pdu.message_class);
      }
      return;
    }
    case FieldKind::content: return;
  }
}

/// A header, or one for each entry of a list.
void write_field(Bytes& out, const Field& field, const Pdu& pdu) {
  if (const auto* list = std::get_if<std::vector<std::string> Pdu::*>(&field.member)) {
    for (const std::string& text : pdu.**list) {
      out.push_back(field.code);
      wap::write_encoded_string(out, text);
    }
    return;
  }
  out.push_back(field.code);
  write_value(out, field, pdu);
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
  if (message.presentation >= message.parts.size()) return wap::write_content_type(out, {.media_type = "application/vnd.wap.multipart.mixed", .parameters = {}});
  const MultimediaPart& presentation = message.parts[message.presentation];
  std::string start(presentation.content_location);
  if (!presentation.content_id.empty()) start.assign("<").append(presentation.content_id).append(">");
  Parameters parameters;
  parameters.add("start", start);
  parameters.add("type", presentation.media_type);
  wap::write_content_type(out, {.media_type = "application/vnd.wap.multipart.related", .parameters = parameters.items()});
}

void write_entry(Bytes& out, const MultimediaPart& part) {
  Parameters parameters;
  parameters.add("charset", part.charset);
  parameters.add("name", part.name);
  wap::write_entry_head(out, {.type = {.media_type = part.media_type.empty() ? "application/octet-stream" : part.media_type, .parameters = parameters.items()},
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
  if (row == nullptr) return fail(mms_not_encodable);
  Gather out;
  // Headers grow while they are written, so their pieces are cut at the end: each ends where a part's data belongs.
  std::vector<std::size_t> cuts;
  for (const PduField& wanted : row->fields) {
    const Field& field = *field_of(wanted.code);
    if (!is_set(pdu, field)) {
      if (wanted.need == PduField::Need::mandatory) return fail(mms_not_encodable, out.headers.size());
      continue;
    }
    if (field.kind != FieldKind::content) {
      write_field(out.headers, field, pdu);
      continue;
    }
    out.headers.push_back(field.code);
    write_type(out.headers, pdu.content);
    wap::write_uintvar(out.headers, static_cast<std::uint32_t>(pdu.content.parts.size()));
    for (const MultimediaPart& part : pdu.content.parts) {
      write_entry(out.headers, part);
      cuts.push_back(out.headers.size());
    }
  }
  const ByteView headers(out.headers);
  std::size_t from = 0;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    out.pieces.push_back(headers.subspan(from, cuts[i] - from));
    out.pieces.push_back(pdu.content.parts[i].data);
    from = cuts[i];
  }
  if (from < headers.size()) out.pieces.push_back(headers.subspan(from));
  return out;
}

Result<Bytes> encode(const Pdu& pdu) {
  PM_TRY(const Gather gather, encode_gather(pdu));
  Bytes out;
  out.reserve(gather.size());
  for (const ByteView piece : gather.pieces) append(out, piece);
  return out;
}

}  // namespace pushmail::mms
