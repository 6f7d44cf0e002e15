// Transcripts: whole credit-control sessions as readable text, played against a real engine.
//
//   > I 0 session=a context=data user=8613800138000   a request: type, CC-Request-Number, and its
//   AVPs >   rg=10 si=1,2 rsu=total:1048576 usu=total:5    one MSCC of it < 2001 the answer's
//   Result-Code ... <   rg=10 si=1,2 2001 gsu=total:1048576 validity=3600 final = 8613800138000
//   balance=99.900000 reserved=0.100000
//   + 30s                                             time passes
//   ! topup 8613800138000 5.00                        something is done to the server
//
// Requests: I U T E; session, context (data, voice, sms or literal), user (E.164), imsi, sip,
// user_extended and imsi_extended (Subscription-Id-Extension), name (User-Name), host
// (Destination-Host), e2e, T (the flag), action (debit refund check price), at (seconds from now:
// Event-Timestamp), sub (CC-Sub-Session-Id), msi (Multiple-Services-Indicator), aoc
// (AoC-Request-Type), drop=AVP-Name (leave a required AVP out), all (show every AVP of the answer),
// client (simple: it cannot redirect; 4011; one_quota, two_quotas; strict: no service without a
// rating group; qos; deaf: it takes no requests), rsu and usu at command level; reason
// (Reporting-Reason) and env (Envelope, with units) of an MSCC; anonymous (nobody is named);
// raw=HEX (an AVP as it is, of the request or of an MSCC). Units: total in out time events money
// (1.5 or 15e-1), and in usu change (Tariff-Change-Usage) and reason, comma separated; empty: an
// empty group. What is not said stays as in the request before. Commands: those of
// transcript_peer.h, crash, sync, tick, topup, adjust, state, subscribe, close, disk, tariff FILE
// (of tariffs/samples, or beside the traps). A line beginning with # is a comment.
//
// play() runs the requests and returns the transcript as it really went; equal text means it
// passed.
#pragma once

#include <string>
#include <string_view>

namespace farthing::test {

std::string play_transcript(std::string_view transcript);

}  // namespace farthing::test
