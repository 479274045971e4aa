#pragma once
#include <cstdint>
#include <functional>

#include "vdevices/clock.h"
#include "vdevices/line.h"
#include "vdevices/port_device.h"

namespace ringdown {

// ACPI's fixed hardware as the PIIX4 has it (82371AB data sheet, chapter 7.2; ACPI specification 1.0b,
// chapter 4.7). Ports, from PMBA on: +0 PMSTS (r/w, a written 1 clears: 0 TMROF_STS, 5 GBL_STS, 8 PWRBTN_STS,
// 10 RTC_STS, 11 PWRBTNOR_STS, 15 RSM_STS), +2 PMEN (r/w: 0 TMROF_EN, 5 GBL_EN, 8 PWRBTN_EN, 10 RTC_EN), +4
// PMCNTRL (r/w: 0 SCI_EN, 1 BRLD_EN_BM, 12-10 SUS_TYP; w: 13 SUS_EN), +8 PMTMR (r, 24 bits). The chip's other
// registers there, of which no event comes, read 0.
//
// SUS_EN with SUS_TYP 0, which is both soft off and suspend to disk, switches the machine off; the other
// types suspend nothing. Of the events the timer's overflow, each change of its bit 23, and the power button
// occur.
class AcpiPm : public PortDevice, public TimedDevice {
 public:
  static constexpr uint16_t kPorts = 64;
  static constexpr uint32_t kTimerFrequency = 3579545;  // Hz
  static constexpr uint8_t kSoftOff = 0;                // SUS_TYP

  // None is owned. `power_off` is called from within the access that asks for it.
  AcpiPm(const Clock& clock, Line& sci, std::function<void()> power_off);

  uint32_t read_port(uint16_t offset, unsigned size) override;
  void write_port(uint16_t offset, unsigned size, uint32_t value) override;

  void press_power_button();
  // SCI_EN, which a guest asks the BIOS for.
  void set_sci_enable(bool enable);

  void advance() override;

 private:
  int64_t ticks() const;
  uint8_t read_byte(uint16_t offset, int64_t now) const;
  void write_byte(uint16_t offset, uint8_t value);
  void write_control(uint16_t value);
  void note_overflow();
  void update();

  const Clock& clock_;
  Line& sci_;
  std::function<void()> power_off_;
  uint16_t status_ = 0;
  uint16_t enable_ = 0;
  uint16_t control_ = 0;
  int64_t overflow_;  // the tick at which bit 23 changes next
};

}  // namespace ringdown
