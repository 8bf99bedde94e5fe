#include "controlplane/account_record.h"

#include "controlplane/ports.h"

namespace pushmail {

void write_account(RecordWriter& record, const Binding& binding, const IpAddress& address, std::string_view password,
                   const Provider& provider) {
  using mailbox::Tag;
  using mailbox::tag;
  record.text(tag(Tag::protocol), to_string(binding.protocol))
      .text(tag(Tag::address), to_string(Endpoint{address, binding.port}))
      .text(tag(Tag::tls), to_string(binding.tls))
      .text(tag(Tag::tls_name), binding.host)
      .text(tag(Tag::user), binding.user)
      .text(tag(Tag::password), password)
      .text(tag(Tag::folder), binding.folder);
  if (!provider.idle) record.u64(tag(Tag::no_idle), 1);
  if (provider.idle_break.ns != 0) record.u64(tag(Tag::idle_break), static_cast<std::uint64_t>(provider.idle_break.ms()));
  if (provider.refresh != mailbox::Refresh::noop) record.text(tag(Tag::refresh), to_string(provider.refresh));
  if (provider.refresh_every.ns != 0) record.u64(tag(Tag::refresh_every), static_cast<std::uint64_t>(provider.refresh_every.ms()));
  if (provider.id) record.u64(tag(Tag::say_id), 1);
}

}  // namespace pushmail
