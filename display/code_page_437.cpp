#include "display/code_page_437.h"

#include <string_view>

namespace ringdown {
namespace {

constexpr std::u16string_view kSymbols = u" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
constexpr std::u16string_view kUpperHalf =
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
    u"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";
static_assert(kSymbols.size() == 0x20 && kUpperHalf.size() == 0x80);

}  // namespace

char16_t unicode_of_code_page_437(uint8_t character) {
  if (character < 0x20) return kSymbols[character];
  if (character >= 0x80) return kUpperHalf[character - 0x80];
  return character == 0x7F ? u'⌂' : character;
}

}  // namespace ringdown
