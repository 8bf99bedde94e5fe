// Address forms of MMS.
#include "codec/wap/address.h"

#include <gtest/gtest.h>

namespace pushmail::wap {
namespace {

struct Row {
  std::string_view text;
  AddressKind kind;
  std::string_view value;
  std::string_view type;
};
class Form : public testing::TestWithParam<Row> {};
TEST_P(Form, IsRead) {
  const Address address = parse_address(GetParam().text);
  EXPECT_EQ(address.kind, GetParam().kind);
  EXPECT_EQ(address.value, GetParam().value);
  EXPECT_EQ(address.type, GetParam().type);
}
INSTANTIATE_TEST_SUITE_P(Addresses, Form,
                         testing::Values(Row{"+15550100002/TYPE=PLMN", AddressKind::phone, "+15550100002", "PLMN"},
                                         Row{" 15550100002/type=plmn ", AddressKind::phone, "15550100002", "plmn"},
                                         Row{"88888/TYPE=PLMN", AddressKind::phone, "88888", "PLMN"},
                                         Row{"+15550100002", AddressKind::phone, "+15550100002", ""},
                                         Row{"15550100002", AddressKind::phone, "15550100002", ""},
                                         Row{"500017", AddressKind::short_code, "500017", ""},
                                         Row{"#MAIL", AddressKind::short_code, "#MAIL", ""},
                                         Row{"Joe <joe@example.com>", AddressKind::email, "Joe <joe@example.com>", ""},
                                         Row{"a/b@example.com", AddressKind::email, "a/b@example.com", ""},
                                         Row{"1.2.3.4/TYPE=IPv4", AddressKind::ip, "1.2.3.4", "IPv4"},
                                         Row{"x/TYPE=other", AddressKind::other, "x", "other"}, Row{"", AddressKind::other, "", ""}));

TEST(Address, PrintsWhatItRead) {
  EXPECT_EQ(to_string(parse_address("+15550100002/TYPE=PLMN")), "+15550100002/TYPE=PLMN");
  EXPECT_EQ(to_string(parse_address("joe@example.com")), "joe@example.com");
  EXPECT_EQ(to_string(parse_address("500017")), "500017");
  EXPECT_EQ(to_string(parse_address("1.2.3.4/TYPE=IPv4")), "1.2.3.4/TYPE=IPv4");
}

}  // namespace
}  // namespace pushmail::wap
