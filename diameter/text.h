// Messages as text for people: one line an AVP, groups indented, values as their type says.
#pragma once

#include "diameter/message.h"

#include <string>

namespace farthing::diameter {

// "Credit-Control-Request  hop-by-hop 1  end-to-end 2" and an indented line for each AVP.
std::string to_text(const Message& message);

}  // namespace farthing::diameter
