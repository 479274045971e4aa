#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "vdevices/fixed_queue.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"
#include "vdevices/ps2_keyboard.h"
#include "vdevices/ps2_mouse.h"

namespace ringdown {

// The keyboard controller of a PS/2 (IBM PS/2 technical reference, "Keyboard and auxiliary device
// controller") with a keyboard and, at its auxiliary port, a mouse.
//
// Starts as firmware leaves it: tested, keyboard enabled with its interrupt and translation to set 1,
// auxiliary port disabled. The A20 gate is left alone.
class I8042 {
 public:
  struct Outputs {
    Line& irq1;                   // keyboard; both not owned
    Line& irq12;                  // auxiliary device
    Line& a20;                    // high while the gate is open; has other drivers, too, and is not owned
    std::function<void()> reset;  // the processor's reset pulse
  };

  explicit I8042(Outputs outputs);
  I8042(const I8042&) = delete;
  I8042& operator=(const I8042&) = delete;

  PortDevice& data_port() { return data_port_; }        // 1 port, PC: 60h
  PortDevice& command_port() { return command_port_; }  // 1 port, PC: 64h, status when read

  // Presses or releases a key: see Ps2Keyboard::key().
  void key(uint16_t key, bool pressed);
  const Ps2Keyboard& keyboard() const { return keyboard_; }
  // See Ps2Mouse::move().
  void move_mouse(int dx, int dy, int dz, uint8_t buttons);
  const Ps2Mouse& mouse() const { return mouse_; }
  // Called when keyboard or mouse may have room that they had not.
  void on_room(std::function<void()> call) { on_room_ = std::move(call); }
  void reset();

 private:
  template <uint32_t (I8042::*kRead)(), void (I8042::*kWrite)(uint8_t)>
  class Port : public PortDevice {
   public:
    explicit Port(I8042& controller) : controller_(controller) {}
    uint32_t read_port(uint16_t, unsigned) override { return (controller_.*kRead)(); }
    void write_port(uint16_t, unsigned, uint32_t value) override {
      (controller_.*kWrite)(static_cast<uint8_t>(value));
    }

   private:
    I8042& controller_;
  };
  enum class Source : uint8_t { kKeyboard, kAuxiliary };
  struct Output {
    uint8_t byte;
    Source source;
  };

  uint32_t read_data();
  uint32_t read_status();
  void write_data(uint8_t value);
  void write_command(uint8_t value);

  void reply(uint8_t byte, Source source = Source::kKeyboard);
  void refill();
  uint8_t translate_from_keyboard(bool& complete);
  void update_irqs();
  void run_command(uint8_t command);
  void set_config(uint8_t value);
  void write_output_port(uint8_t value);
  uint8_t output_port() const;
  void send_to_keyboard(uint8_t value);
  void send_to_mouse(uint8_t value);
  void tell_of_room() {
    if (on_room_) on_room_();
  }

  Outputs outputs_;
  Port<&I8042::read_data, &I8042::write_data> data_port_{*this};
  Port<&I8042::read_status, &I8042::write_command> command_port_{*this};
  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  std::function<void()> on_room_;
  FixedQueue<Output, 8> replies_;  // the controller's own, which go before the keyboard's
  std::array<uint8_t, 32> ram_{};  // byte 0 is the configuration ("command") byte
  Output output_{};                // port 60h
  bool output_full_ = false;
  bool last_write_was_command_ = true;
  bool system_flag_ = true;
  bool break_prefix_seen_ = false;
  uint8_t awaiting_data_of_ = 0;  // a command, or 0
};

}  // namespace ringdown
