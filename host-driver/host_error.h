#pragma once
#include <string>

namespace ringdown {

// The host refused something that a VM cannot run without. Tells the handler one line, with errno's reason
// ("`what`: reason"), and does not come back. `what` names the system call and its purpose.
[[noreturn]] void host_refuses(const char* what);

// Who tells the user and ends the process with the documented exit code. Must not return. Without one the
// line goes to standard error and the process aborts (tests).
void set_host_refusal_handler(void (*handler)(const std::string& line));

}  // namespace ringdown
