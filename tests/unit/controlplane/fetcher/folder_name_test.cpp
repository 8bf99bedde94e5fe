// Folder names in modified UTF-7: the examples of RFC 3501 §5.1.3, and names that people give.
#include "controlplane/fetcher/folder_name.h"

#include <gtest/gtest.h>

namespace pushmail::mailbox {
namespace {

TEST(FolderName, GoesInModifiedUtf7) {
  struct Row {
    const char* name;
    const char* wire;
  };
  for (const Row& row : {
           Row{"INBOX", "INBOX"},
           Row{"Entw\xc3\xbcrfe & Co", "Entw&APw-rfe &- Co"},
           Row{"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
           Row{"\xf0\x9f\x98\x80", "&2D3eAA-"},
           Row{"R&D-Team", "R&-D-Team"},
           Row{"&", "&-"},
           Row{"a\"b\\c", "a\"b\\c"},
           // Copied from another program.
           Row{"Entw&APw-rfe &- Co", "Entw&APw-rfe &- Co"},
           Row{"&U,BTFw-", "&U,BTFw-"},
           // Not modified UTF-7, though it looks a little so: ASCII in a shift, bits left over, half a unit, nothing shifted at all.
           Row{"&AGE-", "&-AGE-"},
           Row{"&APx-", "&-APx-"},
           Row{"&AP-", "&-AP-"},
           Row{"A &- B", "A &-- B"},
           Row{"&APw", "&-APw"},
       }) {
    EXPECT_EQ(folder_on_wire(row.name), row.wire) << row.name;
  }
}

TEST(FolderName, WhatIsNoNameIsRefused) {
  for (const std::string& bad : {std::string(), std::string("a\r\nb"), std::string("a\0b", 3), std::string("\x7f"), std::string("\xc3"),
                                 std::string("\xc3("), std::string("\x80"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"),
                                 std::string("\xf4\x90\x80\x80"), std::string("\xff"), std::string("\xc2\x85"), std::string(1001, 'a')}) {
    EXPECT_EQ(folder_on_wire(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace pushmail::mailbox
