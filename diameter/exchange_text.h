// Credit-control requests and answers as short lines, for people and for golden transcripts:
//
//   > I 0 session=a context=data user=8613800138000
//   >   rg=10 rsu=total:1048576
//   < 2001
//   <   rg=10 2001 gsu=total:1048576 validity=3600
//
// tests/diameter/transcript.h describes the words. What no word is for stands as raw=HEX where the
// line is to be whole: so a request can be made again from its lines. Spaces in texts become '_'.
//
// REQUIRES: messages that decode() has accepted. Threads: any.
#pragma once

#include "diameter/message.h"
#include "engine/base/time.h"

#include <string>

namespace farthing::diameter {

enum class Detail {
  brief,
  whole,  // a test can play it
};

// Of a Credit-Control-Request; `now` is when it came. Each line with its end.
std::string request_lines(const Message& request, base::Time now, Detail detail);
// Of a Credit-Control-Answer, or an error in its place.
std::string answer_lines(const Message& answer, base::Time now);

}  // namespace farthing::diameter
