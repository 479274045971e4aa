#include "sandbox/sandbox.h"
#include <gtest/gtest.h>
#include "host-driver/guest_ram.h"
namespace ringdown { namespace {
TEST(Sandbox, Starts) {
  GuestRam ram(1<<20);
  auto made = Sandbox::create(ram.file());
  if (auto* l = std::get_if<std::string>(&made)) FAIL() << *l;
  auto& sandbox = *std::get<0>(made);
  const uint8_t code[]={0xb8,1,2,3,4,0xcd,0x80};
  std::copy(std::begin(code),std::end(code),ram.bytes().begin()+0x3000);
  EXPECT_EQ(sandbox.map(0x10000,0x3000,0x1000,PageRights::kReadExecute),MapResult::kMapped);
  UserState s; s.eip=0x10000; s.fx.control_word=0x37f; s.fx.mxcsr=0x1f80;
  Trap t=sandbox.run(s);
  EXPECT_EQ(t.kind,Trap::Kind::kSystemCall); EXPECT_EQ(s.gpr[0],0x04030201u); EXPECT_EQ(s.eip,0x10005u);
}
}}
