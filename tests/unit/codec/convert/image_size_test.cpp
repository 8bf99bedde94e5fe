// Sizes from the headers of pictures; bytes written out by hand from the formats' own tables.
#include "codec/convert/image_size.h"

#include <gtest/gtest.h>

#include <string>

#include "codec/convert/convert.h"
#include "codec/mime/compose.h"

namespace pushmail::convert {
namespace {

TEST(ImageSize, Table) {
  struct Row {
    std::string_view what, hex;
    ImageSize size;
  };
  const Row rows[] = {
      {"GIF87a",
       "474946383761"
       "4001"
       "f000",
       {320, 240}},
      {"GIF89a",
       "474946383961"
       "0100"
       "0200",
       {1, 2}},
      {"PNG",
       "89504e470d0a1a0a"
       "0000000d49484452"
       "00000640"
       "000004b0",
       {1600, 1200}},
      {"JPEG, baseline behind APP0",
       "ffd8"
       "ffe0000400ff"
       "ffc0001108"
       "01e0"
       "0280"
       "03",
       {640, 480}},
      {"JPEG, progressive, fill bytes, DHT before it",
       "ffd8"
       "ffc4000300"
       "ffffffc2001108"
       "0010"
       "0020"
       "03",
       {32, 16}},
      {"WebP, lossy",
       "52494646000000005745425056503820"
       "00000000"
       "0000009d012a"
       "4001"
       "f000",
       {320, 240}},
      {"WebP, lossless",
       "5249464600000000574542505650384c"
       "00000000"
       "2f"
       "3fc13b00"
       "0000000000",
       {320, 240}},
      {"WebP, extended",
       "52494646000000005745425056503858"
       "00000000"
       "00000000"
       "3f0100"
       "ef0000",
       {320, 240}},
  };
  for (const Row& row : rows) {
    const Bytes image = from_hex(row.hex);
    ASSERT_FALSE(image.empty()) << row.what;
    const auto size = read_image_size(image);
    ASSERT_TRUE(size) << row.what;
    EXPECT_EQ(*size, row.size) << row.what << ": " << size->width << "x" << size->height;
  }
}

TEST(ImageSize, NothingForOtherFilesAndEveryCutOne) {
  EXPECT_FALSE(read_image_size({}));
  EXPECT_FALSE(read_image_size(bytes_of("%PDF-1.7 and more bytes than any header needs")));
  for (const std::string_view hex : {"89504e470d0a1a0a0000000d4948445200000640000004b0", "ffd8ffe0000400ffffc000110801e00280",
                                     "47494638396101000200", "5249464600000000574542505650385800000000000000003f0100ef0000"}) {
    const Bytes image = from_hex(hex);
    for (std::size_t size = 0; size < image.size(); ++size)
      EXPECT_FALSE(read_image_size(ByteView(image).first(size))) << hex << " " << size;
    EXPECT_TRUE(read_image_size(image)) << hex;
  }
  // A segment shorter than its own length field, and one after another without end.
  EXPECT_FALSE(read_image_size(from_hex("ffd8ffe00001ffc000110801e0028003")));
  Bytes endless = from_hex("ffd8");
  for (int i = 0; i < 5000; ++i) append(endless, ByteView(from_hex("ffe00002")));
  append(endless, ByteView(from_hex("ffc000110801e0028003")));
  EXPECT_FALSE(read_image_size(endless));
}

TEST(ImageSize, PicturesAboveTheProfileAreLeftOutAndNamed) {
  Bytes mail;
  append(mail, std::string_view("From: joe@example.com\r\nContent-Type: image/png; name=p.png\r\n"));
  mime::write_body(mail, from_hex("89504e470d0a1a0a0000000d4948445200000640000004b0"), mime::BodyForm::base64);
  const MmProfile fits{.image_size_max = 24, .image_width_max = 1600, .image_height_max = 1200};
  const MmProfile too_narrow{.image_width_max = 1599};
  const MmProfile too_low{.image_height_max = 1199};
  const MmProfile too_small{.image_size_max = 23};
  for (const MmProfile& profile : {fits, too_narrow, too_low, too_small}) {
    const auto made =
        mail_to_mm(mail, {.profile = profile, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "X"});
    ASSERT_TRUE(made);
    const bool stays = profile.image_size_max == 24;
    EXPECT_EQ(made->mm.parts.size(), stays ? 3U : 2U);
    EXPECT_EQ(made->decisions.size(), stays ? 0U : 1U);
    EXPECT_EQ(text_of(made->mm.parts[1].data).find("[Left out: p.png") != std::string_view::npos, !stays);
  }
}

}  // namespace
}  // namespace pushmail::convert
