#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <termios.h>

#include "host-driver/file_descriptor.h"

namespace ringdown {

// Both ends of a pseudo-terminal: `user` is where a person would type, `line` is what a program has open.
struct Pty {
  FileDescriptor user{::posix_openpt(O_RDWR | O_NOCTTY)};
  FileDescriptor line;

  Pty() {
    char path[128] = {};
    EXPECT_EQ(::grantpt(user.get()), 0);
    EXPECT_EQ(::unlockpt(user.get()), 0);
    EXPECT_EQ(::ptsname_r(user.get(), path, sizeof path), 0);
    line = FileDescriptor(::open(path, O_RDWR | O_NOCTTY));
    EXPECT_TRUE(line);
  }

  termios settings() const {
    termios t{};
    EXPECT_EQ(::tcgetattr(line.get(), &t), 0);
    return t;
  }
  bool is_cooked() const { return (settings().c_lflag & (ICANON | ECHO)) == (ICANON | ECHO); }
};

}  // namespace ringdown
