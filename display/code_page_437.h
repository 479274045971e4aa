#pragma once
#include <cstdint>

namespace ringdown {

// The picture of a character in a PC's font, as Unicode has it; blank for 00h, 20h and FFh.
char16_t unicode_of_code_page_437(uint8_t character);

}  // namespace ringdown
