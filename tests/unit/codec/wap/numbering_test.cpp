// Phone numbers in the spellings of people and peers, by the rules of several networks.
#include "codec/wap/numbering.h"

#include <gtest/gtest.h>

#include <array>

#include "codec/wap/address.h"
#include "codec/wap/configured.h"
#include "codec/wap/errors.h"
#include "core/errors.h"

namespace pushmail::wap {
namespace {

// Networks of rows below.
Numbering network(std::string_view name) {
  if (name == "germany") return {.country_code = "49", .trunk_prefix = "0", .short_codes = {"5000", "52480000"}};
  if (name == "america")
    return {
        .country_code = "1", .trunk_prefix = "1", .international_prefixes = {"011"}, .national_length_min = 10, .national_length_max = 10};
  if (name == "america, bare national") {
    Numbering one = network("america");
    one.bare = Bare::national;
    return one;
  }
  if (name == "america, by code alone") return {.country_code = "1"};
  if (name == "italy") return {.country_code = "39", .trunk_prefix = "", .national_length_min = 6, .national_length_max = 11};
  if (name == "russia")
    return {
        .country_code = "7", .trunk_prefix = "8", .international_prefixes = {"810"}, .national_length_min = 10, .national_length_max = 10};
  if (name == "germany, by length") return {.country_code = "49", .trunk_prefix = "0", .national_length_min = 7, .national_length_max = 11};
  if (name == "spain") return {.country_code = "34", .trunk_prefix = "", .national_length_min = 9, .national_length_max = 9};
  if (name == "germany, bare international") {
    Numbering one = network("germany");
    one.bare = Bare::international;
    return one;
  }
  return {};
}

constexpr auto unknown = NumberType::unknown, national = NumberType::national, international = NumberType::international,
               other = NumberType::other;

struct Row {
  std::string_view network;
  std::string_view text;
  NumberType said;
  std::string_view number;  // empty: an error
  const ErrorInfo* error = nullptr;
};
constexpr auto rows = std::to_array<Row>({
    // A number as it is dialled within an area.
    {"america", "2349691", unknown, "", &number_no_reading},
    {"america", "+2349691", unknown, "2349691"},
    // The trunk prefix behind the country code, where a number so long exists nowhere.
    {"germany, by length", "+49017014889113", unknown, "4917014889113"},
    {"germany, by length", "0049 0170 14889113", unknown, "4917014889113"},
    {"germany, by length", "49017014889113", international, "4917014889113"},
    {"germany, by length", "+490017014889113", unknown, "", &number_no_reading},
    {"germany, by length", "+4917014889113", unknown, "4917014889113"},
    {"germany, by length", "+33017014889113", unknown, "33017014889113"},
    {"russia", "+78001234567", unknown, "78001234567"},
    {"russia", "+788001234567", unknown, "78001234567"},
    // Nothing configured: what stands there whole, and nothing else.
    {"", "+15550100001", unknown, "15550100001"},
    {"", "15550100001", unknown, "15550100001"},
    {"", "0015550100001", unknown, "15550100001"},
    {"", "15550100001", international, "15550100001"},
    {"", "0015550100001", international, "15550100001"},
    {"", "5550100001", national, "", &number_national},
    {"", "05550100001", unknown, "", &number_national},
    {"", "05550100001", international, "", &number_national},
    {"", "+05550100001", unknown, "", &core_bad_msisdn},
    {"", "+1234567890123456", unknown, "", &core_bad_msisdn},
    {"", "+1234", unknown, "", &core_bad_msisdn},
    // Spellings.
    {"", "+15550100001/TYPE=PLMN", unknown, "15550100001"},
    {"", " +15550100001/type=plmn ", unknown, "15550100001"},
    {"", "+1-555-010.0001", unknown, "15550100001"},
    {"", "\u202a+1\u00a0555\u200b0100001\u202c", unknown, "15550100001"},
    {"", "+1 (555) 010 0001", unknown, "15550100001"},
    {"", "(+1) 555 0100001", unknown, "15550100001"},
    {"", "tel:+1-555-010-0001", unknown, "15550100001"},
    {"", "TEL:+15550100001", unknown, "15550100001"},
    {"", "+49 (0)30 123456", unknown, "4930123456"},
    {"", "tel:+15550100001;ext=2", unknown, "", &number_bad_text},
    {"", "++15550100001", unknown, "", &number_bad_text},
    {"", "+1555x", unknown, "", &number_bad_text},
    {"", "joe@example.com", unknown, "", &number_bad_text},
    {"", "+15550100001@mms.example.net", unknown, "", &number_bad_text},
    {"", "", unknown, "", &number_bad_text},
    {"", "+", unknown, "", &number_bad_text},
    {"", "/TYPE=PLMN", unknown, "", &number_bad_text},
    // Short codes.
    {"", "262011319627451", other, "", &number_bad_text},
    {"", "112", unknown, "", &number_short_code},
    {"", "40404", unknown, "", &number_short_code},
    {"", "40404", international, "", &number_short_code},
    {"", "404040", unknown, "", &number_short_code},
    {"", "88888/TYPE=PLMN", unknown, "", &number_short_code},
    {"", "15550100001", NumberType::short_code, "", &number_short_code},
    {"germany", "+5000", unknown, "", &number_short_code},
    {"germany", "+5000/TYPE=PLMN", unknown, "", &number_short_code},
    {"germany", "52480000", unknown, "", &number_short_code},
    {"germany", "+52480000", unknown, "", &number_short_code},
    // A trunk prefix 0.
    {"germany", "030123456", unknown, "4930123456"},
    {"germany", "030 123456", national, "4930123456"},
    {"germany", "30123456", national, "4930123456"},
    {"germany", "030123456", international, "4930123456"},
    {"germany", "004930123456", unknown, "4930123456"},
    {"germany", "4930123456", unknown, "4930123456"},
    {"germany", "+15550100001", national, "15550100001"},
    {"germany", "0015550100001", unknown, "15550100001"},
    {"germany", "15112345678", unknown, "", &number_ambiguous},
    {"germany, bare international", "15112345678", unknown, "15112345678"},
    {"germany", "00", unknown, "", &number_short_code},
    {"germany", "0000123456", national, "", &number_no_reading},
    // A trunk prefix that is the country code, and a known length.
    {"america", "5550100001", national, "15550100001"},
    {"america", "15550100001", national, "15550100001"},
    {"america", "15550100001", unknown, "15550100001"},
    {"america", "01149301234567", unknown, "49301234567"},
    {"america", "5550100001", unknown, "", &number_ambiguous},
    {"america", "4930123456789", unknown, "4930123456789"},
    {"america, bare national", "5550100001", unknown, "15550100001"},
    {"america, bare national", "15550100001", unknown, "15550100001"},
    {"america, bare national", "4930123456789", unknown, "", &number_no_reading},
    {"america, by code alone", "05550100001", unknown, "15550100001"},
    {"america, by code alone", "5550100001", national, "15550100001"},
    {"america, by code alone", "15550100001", unknown, "15550100001"},
    {"america, by code alone", "5550100001", unknown, "", &number_ambiguous},
    // A 0 that is part of the number; no trunk prefix; one that is neither.
    {"italy", "0612345678", unknown, "390612345678"},
    {"italy", "+390612345678", unknown, "390612345678"},
    {"italy", "3391234567", national, "393391234567"},
    {"spain", "612345678", national, "34612345678"},
    {"spain", "34612345678", unknown, "34612345678"},
    {"spain", "34612345678", national, "34612345678"},
    {"russia", "84951234567", unknown, "", &number_ambiguous},
    {"russia", "84951234567", national, "74951234567"},
    {"russia", "74951234567", unknown, "74951234567"},
    {"russia", "8104930123456", unknown, "4930123456"},
});
static_assert(rows.size() >= 60);

TEST(Numbering, EveryRow) {
  for (const Row& row : rows) {
    const auto number = network(row.network).read(row.text, row.said);
    const std::string where = std::string(row.network) + ": " + std::string(row.text);
    if (row.error == nullptr) {
      ASSERT_TRUE(number.has_value()) << where << ": " << number.error().info->name;
      EXPECT_EQ(number->digits(), row.number) << where;
      EXPECT_EQ(network(row.network).read(to_plmn(*number)).value(), *number) << where << ": as we write it";
    } else {
      ASSERT_FALSE(number.has_value()) << where << ": " << number->digits();
      EXPECT_EQ(number.error().info->name, row.error->name) << where;
    }
  }
}

TEST(Numbering, DigitsWhateverTheyMean) {
  EXPECT_EQ(digits_of("+5000/TYPE=PLMN"), "5000");
  EXPECT_EQ(digits_of("5000-1742"), "50001742");
  EXPECT_EQ(digits_of("5000@mmsc.example"), "");
  EXPECT_EQ(digits_of("Mail"), "");
  EXPECT_EQ(digits_of(std::string(65, '1')), "");
}

TEST(Numbering, AsConfigured) {
  const auto config = Config::parse(
      "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"500001\"\n"
      "[peer.x]\nurl = \"http://127.0.0.1/\"\nservice_number = \"52480000\"\ninbound = \"open\"\n"
      "[numbering]\ncountry_code = \"1\"\ntrunk_prefix = \"1\"\ninternational_prefixes = [\"011\"]\nnational_length = \"10\"\n"
      "bare = \"national\"\nshort_codes = [\"40404\"]\n",
      "t.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  const Numbering numbering = configured_numbering(*config);
  EXPECT_EQ(numbering.read("5550100001")->digits(), "15550100001");
  EXPECT_EQ(numbering.read("01149301234567")->digits(), "49301234567");
  for (const char* code : {"+40404", "+52480000", "52480000", "500001"})
    EXPECT_TRUE(numbering.read(code).error().is(number_short_code)) << code;
}

}  // namespace
}  // namespace pushmail::wap
