#include "images/kernel_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "images/multiboot.h"
#include "tests/images/image_builder.h"

namespace ringdown {
namespace {

using namespace test;

// Every test has a directory of its own.
class KernelImage : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ringdown-images-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string path(const std::string& name) { return (directory / name).string(); }
  std::string write(const std::string& name, const Bytes& content) {
    std::ofstream file(path(name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    return path(name);
  }
  std::string error() {
    const auto state = load_kernel(request, ram);
    return state ? "loaded" : state.error().message;
  }
  uint32_t info(size_t offset) { return get<uint32_t>(ram, kMultibootInfoPage + offset); }

  std::filesystem::path directory;
  KernelRequest request;
  Bytes ram = make_ram(8 * kMiB);
};

TEST_F(KernelImage, LoadsLinuxWithAnInitrd) {
  request = {write("vmlinuz", make_bzimage()), write("initrd,a", pattern(100, 6)), "quiet"};
  const auto state = load_kernel(request, ram);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->protocol, BootProtocol::kLinux32);
  EXPECT_TRUE(holds(ram, 8 * kMiB - 0x1000, pattern(100, 6))) << "for Linux, a comma belongs to the name";
}

TEST_F(KernelImage, LoadsMultibootWithModules) {
  const std::string first = write("a", pattern(100, 1)), second = write("b,c", pattern(200, 2));
  request = {write("kernel", make_multiboot_elf()), first + " x=1 y=2, " + path("b,,c"), "root=hd0"};
  const auto state = load_kernel(request, ram);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->protocol, BootProtocol::kMultiboot1);
  EXPECT_EQ(get_string(ram, info(16)), path("kernel") + " root=hd0");
  ASSERT_EQ(info(20), 2u);
  const uint32_t list = info(24);
  EXPECT_EQ(get_string(ram, get<uint32_t>(ram, list + 8)), first + " x=1 y=2");
  EXPECT_EQ(get_string(ram, get<uint32_t>(ram, list + 24)), second);
  EXPECT_TRUE(holds(ram, get<uint32_t>(ram, list), pattern(100, 1)));
  EXPECT_TRUE(holds(ram, get<uint32_t>(ram, list + 16), pattern(200, 2)));
}

TEST_F(KernelImage, GivesAMultibootKernelItsNameAlone) {
  request.kernel = write("kernel", make_multiboot_aout());
  ASSERT_EQ(error(), "loaded");
  EXPECT_EQ(get_string(ram, info(16)), request.kernel);
  EXPECT_EQ(info(20), 0u);
}

TEST_F(KernelImage, PrefersLinuxOverMultiboot) {
  Bytes image = make_bzimage();
  put_multiboot_header(image, 0x400, 0);
  request.kernel = write("both", image);
  EXPECT_EQ(load_kernel(request, ram)->protocol, BootProtocol::kLinux32);
}

TEST_F(KernelImage, PassesOnThatTheProcessorIs64Bit) {
  Bytes image = make_bzimage();
  put<uint16_t>(image, bz::kXloadflags, 1);
  request.kernel = write("vmlinuz", image);
  EXPECT_EQ(error(), request.kernel + ": a 64-bit Linux kernel, but the machine has a 32-bit processor");
  request.cpu_has_long_mode = true;
  EXPECT_EQ(error(), "loaded");
}

TEST_F(KernelImage, SaysWhatAnUnknownFileIs) {
  request.kernel = write("text", pattern(100, 1));
  EXPECT_EQ(error(), request.kernel + ": neither a Linux bzImage nor a multiboot kernel");
  request.kernel = write("byte", Bytes(1));
  EXPECT_EQ(error(), request.kernel + ": neither a Linux bzImage nor a multiboot kernel");
  request.kernel = write("kernel.gz", {std::byte{0x1F}, std::byte{0x8B}, std::byte{8}});
  EXPECT_EQ(error(), request.kernel + ": a gzip-compressed file: uncompress it first (gunzip -k)");
  Bytes vmlinux = make_multiboot_elf();
  put<uint32_t>(vmlinux, kElfTextOffset, 0);
  request.kernel = write("vmlinux", vmlinux);
  EXPECT_EQ(error(),
            request.kernel + ": an ELF file without a multiboot header (of Linux, give the bzImage)");
}

TEST_F(KernelImage, NamesAKernelThatCannotBeRead) {
  request.kernel = path("none");
  EXPECT_EQ(error(), request.kernel + ": cannot be opened: No such file or directory");
  request.kernel = directory.string();
  EXPECT_EQ(error(), request.kernel + ": is a directory");
  request.kernel = write("empty", {});
  EXPECT_EQ(error(), request.kernel + ": the file is empty");
  request.kernel = write("huge", Bytes(8 * kMiB + 1));
  EXPECT_EQ(error(), request.kernel + ": the file has 8388609 bytes, more than the machine's RAM (8 MiB)");
  request.kernel = path("fifo");
  ASSERT_EQ(mkfifo(request.kernel.c_str(), 0600), 0);
  EXPECT_EQ(error(), request.kernel + ": not a regular file");
}

TEST_F(KernelImage, NamesAFileWithoutPermission) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  request.kernel = write("secret", make_bzimage());
  ASSERT_EQ(chmod(request.kernel.c_str(), 0), 0);
  EXPECT_EQ(error(), request.kernel + ": cannot be opened: Permission denied");
}

TEST_F(KernelImage, NamesTheInitrdOrModuleAtFault) {
  request = {write("vmlinuz", make_bzimage()), path("none"), ""};
  EXPECT_EQ(error(), path("none") + ": cannot be opened: No such file or directory");
  request = {write("kernel", make_multiboot_elf()), write("a", Bytes(1)) + "," + path("none") + " x", ""};
  EXPECT_EQ(error(), path("none") + ": cannot be opened: No such file or directory");
  request.initrd = path("a") + ",";
  EXPECT_EQ(error(), "-initrd: module 2 has no file name");
  request.initrd = "";
  EXPECT_EQ(error(), "-initrd: module 1 has no file name");
}

TEST_F(KernelImage, RefusesAMachineWithoutRam) {
  request.kernel = write("vmlinuz", make_bzimage());
  ram.clear();
  EXPECT_EQ(error(), "RAM: 0 bytes: a machine has 2 MiB to 3 GiB");
}

}  // namespace
}  // namespace ringdown
