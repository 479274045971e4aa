#include "display/image_file.h"

#include <png.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace ringdown {
namespace {

std::vector<uint8_t> rgb_of(const Picture& picture) {
  std::vector<uint8_t> bytes;
  bytes.reserve(picture.pixels.size() * 3);
  for (const uint32_t pixel : picture.pixels) {
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<uint8_t>(pixel >> shift));
  }
  return bytes;
}

bool write_ppm(FILE* file, const Picture& picture) {
  const auto bytes = rgb_of(picture);
  std::fprintf(file, "P6\n%u %u\n255\n", picture.size.width, picture.size.height);
  return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

bool write_png(FILE* file, const Picture& picture) {
  const auto bytes = rgb_of(picture);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.size.width;
  image.height = picture.size.height;
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_stdio(&image, file, 0, bytes.data(), 0, nullptr) != 0;
}

}  // namespace

std::optional<std::string> write_image(const Picture& picture, const std::string& path) {
  const auto close = [](FILE* file) { std::fclose(file); };
  std::unique_ptr<FILE, decltype(close)> file(std::fopen(path.c_str(), "wbe"), close);
  if (!file) return "cannot open '" + path + "': " + std::strerror(errno);
  const bool written =
      path.ends_with(".ppm") ? write_ppm(file.get(), picture) : write_png(file.get(), picture);
  const bool kept = std::fflush(file.get()) == 0;
  if (written && kept) return std::nullopt;
  return "cannot write '" + path + "': " + std::strerror(errno);
}

}  // namespace ringdown
