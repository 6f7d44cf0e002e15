#include "diameter/peer_state.h"

#include <array>
#include <cstddef>

namespace farthing::diameter {

namespace {

constexpr std::size_t states = static_cast<std::size_t>(PeerState::closed) + 1;
constexpr std::size_t events = static_cast<std::size_t>(PeerEvent::disconnected) + 1;

using A = PeerAction;
using S = PeerState;

// A row for each state, a column for each event, in the order of their enumerators.
// clang-format off
constexpr std::array<std::array<PeerTransition, events>, states> table = {{
    // wait_cer: RFC 6733 5.6: the first message must be a CER; with any other one we disconnect. A
    // refusal is sent, then the connection is closed.
    {{
        /* cer_accepted */          {A::send_cea, S::open},
        /* cer_accepted_securing */ {A::send_cea, S::securing},
        /* secured */               {A::ignore, S::closed},
        /* cer_refused */           {A::send_cea, S::draining},
        /* cer_contested */         {A::ignore, S::electing},
        /* cea_accepted */          {A::ignore, S::closed},
        /* cea_refused */           {A::ignore, S::closed},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closed},
        /* dwa */                   {A::ignore, S::closed},
        /* dpr */                   {A::ignore, S::closed},
        /* dpa */                   {A::ignore, S::closed},
        /* request */               {A::ignore, S::closed},
        /* answer */                {A::ignore, S::closed},
        /* broken */                {A::ignore, S::closed},
        /* stop */                  {A::ignore, S::closed},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // wait_cea: the initiator's side. Anything but a CEA that suits us ends it; it is tried again.
    {{
        /* cer_accepted */          {A::ignore, S::closed},
        /* cer_accepted_securing */ {A::ignore, S::closed},
        /* secured */               {A::ignore, S::closed},
        /* cer_refused */           {A::ignore, S::closed},
        /* cer_contested */         {A::ignore, S::closed},
        /* cea_accepted */          {A::ignore, S::open},
        /* cea_refused */           {A::ignore, S::closed},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closed},
        /* dwa */                   {A::ignore, S::closed},
        /* dpr */                   {A::ignore, S::closed},
        /* dpa */                   {A::ignore, S::closed},
        /* request */               {A::ignore, S::closed},
        /* answer */                {A::ignore, S::closed},
        /* broken */                {A::ignore, S::closed},
        /* stop */                  {A::ignore, S::closed},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // electing: as wait_cer, once it is known whether the older connection lives.
    {{
        /* cer_accepted */          {A::send_cea, S::open},
        /* cer_accepted_securing */ {A::send_cea, S::securing},
        /* secured */               {A::ignore, S::closed},
        /* cer_refused */           {A::send_cea, S::draining},
        /* cer_contested */         {A::ignore, S::closed},
        /* cea_accepted */          {A::ignore, S::closed},
        /* cea_refused */           {A::ignore, S::closed},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closed},
        /* dwa */                   {A::ignore, S::closed},
        /* dpr */                   {A::ignore, S::closed},
        /* dpa */                   {A::ignore, S::closed},
        /* request */               {A::ignore, S::closed},
        /* answer */                {A::ignore, S::closed},
        /* broken */                {A::ignore, S::closed},
        /* stop */                  {A::ignore, S::closed},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // securing: RFC 6733 13.1: the handshake follows the CEA; no message comes before its end.
    {{
        /* cer_accepted */          {A::ignore, S::closed},
        /* cer_accepted_securing */ {A::ignore, S::closed},
        /* secured */               {A::ignore, S::open},
        /* cer_refused */           {A::ignore, S::closed},
        /* cer_contested */         {A::ignore, S::closed},
        /* cea_accepted */          {A::ignore, S::closed},
        /* cea_refused */           {A::ignore, S::closed},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closed},
        /* dwa */                   {A::ignore, S::closed},
        /* dpr */                   {A::ignore, S::closed},
        /* dpa */                   {A::ignore, S::closed},
        /* request */               {A::ignore, S::closed},
        /* answer */                {A::ignore, S::closed},
        /* broken */                {A::ignore, S::closed},
        /* stop */                  {A::ignore, S::closed},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // open: a CER is answered again. A DPR: the peer disconnects once it has our DPA (5.4).
    {{
        /* cer_accepted */          {A::send_cea, S::open},
        /* cer_accepted_securing */ {A::send_cea, S::open},
        /* secured */               {A::ignore, S::open},
        /* cer_refused */           {A::send_cea, S::draining},
        /* cer_contested */         {A::ignore, S::open},
        /* cea_accepted */          {A::ignore, S::open},
        /* cea_refused */           {A::ignore, S::open},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::send_dwa, S::open},
        /* dwa */                   {A::note_dwa, S::open},
        /* dpr */                   {A::send_dpa, S::closing},
        /* dpa */                   {A::ignore, S::open},
        /* request */               {A::deliver, S::open},
        /* answer */                {A::deliver, S::open},
        /* broken */                {A::ignore, S::draining},
        /* stop */                  {A::send_dpr, S::closing},
        /* deadline */              {A::ignore, S::open},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // closing: requests that crossed our DPR are not taken: the client sends them to another
    // server.
    {{
        /* cer_accepted */          {A::ignore, S::closing},
        /* cer_accepted_securing */ {A::ignore, S::closing},
        /* secured */               {A::ignore, S::closing},
        /* cer_refused */           {A::ignore, S::closing},
        /* cer_contested */         {A::ignore, S::closing},
        /* cea_accepted */          {A::ignore, S::closing},
        /* cea_refused */           {A::ignore, S::closing},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closing},
        /* dwa */                   {A::ignore, S::closing},
        /* dpr */                   {A::send_dpa, S::closing},
        /* dpa */                   {A::ignore, S::draining},
        /* request */               {A::ignore, S::closing},
        /* answer */                {A::ignore, S::closing},
        /* broken */                {A::ignore, S::draining},
        /* stop */                  {A::ignore, S::closing},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // draining
    {{
        /* cer_accepted */          {A::ignore, S::draining},
        /* cer_accepted_securing */ {A::ignore, S::draining},
        /* secured */               {A::ignore, S::draining},
        /* cer_refused */           {A::ignore, S::draining},
        /* cer_contested */         {A::ignore, S::draining},
        /* cea_accepted */          {A::ignore, S::draining},
        /* cea_refused */           {A::ignore, S::draining},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::draining},
        /* dwa */                   {A::ignore, S::draining},
        /* dpr */                   {A::ignore, S::draining},
        /* dpa */                   {A::ignore, S::draining},
        /* request */               {A::ignore, S::draining},
        /* answer */                {A::ignore, S::draining},
        /* broken */                {A::ignore, S::draining},
        /* stop */                  {A::ignore, S::draining},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
    // closed
    {{
        /* cer_accepted */          {A::ignore, S::closed},
        /* cer_accepted_securing */ {A::ignore, S::closed},
        /* secured */               {A::ignore, S::closed},
        /* cer_refused */           {A::ignore, S::closed},
        /* cer_contested */         {A::ignore, S::closed},
        /* cea_accepted */          {A::ignore, S::closed},
        /* cea_refused */           {A::ignore, S::closed},
        /* replaced */              {A::ignore, S::closed},
        /* dwr */                   {A::ignore, S::closed},
        /* dwa */                   {A::ignore, S::closed},
        /* dpr */                   {A::ignore, S::closed},
        /* dpa */                   {A::ignore, S::closed},
        /* request */               {A::ignore, S::closed},
        /* answer */                {A::ignore, S::closed},
        /* broken */                {A::ignore, S::closed},
        /* stop */                  {A::ignore, S::closed},
        /* deadline */              {A::ignore, S::closed},
        /* watchdog_failed */       {A::ignore, S::closed},
        /* disconnected */          {A::ignore, S::closed},
    }},
}};
// clang-format on

}  // namespace

PeerTransition transition(PeerState state, PeerEvent event) {
  return table[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::string_view name(PeerState state) {
  constexpr std::string_view names[states] = {"wait_cer", "wait_cea", "electing", "securing",
                                              "open",     "closing",  "draining", "closed"};
  return names[static_cast<std::size_t>(state)];
}

void Watchdog::start(MonotonicTime now, std::chrono::milliseconds interval) {
  interval_ = interval;
  state_ = State::alive;
  restart(now);
}

void Watchdog::on_message(MonotonicTime now) {
  // Any message shows that the peer lives; only a DWA takes back what was asked (RFC 3539 3.4.1).
  if (state_ == State::suspect) state_ = State::alive;
  restart(now);
}

void Watchdog::on_dwa(MonotonicTime now) {
  state_ = State::alive;
  restart(now);
}

Watchdog::Verdict Watchdog::check(MonotonicTime now, std::chrono::milliseconds next_interval) {
  if (now < deadline_) return Verdict::nothing;
  switch (state_) {
    case State::alive:
      state_ = State::asked;
      interval_ = next_interval;
      restart(now);
      return Verdict::send_dwr;
    case State::asked:
      state_ = State::suspect;
      restart(now);
      return Verdict::nothing;
    case State::suspect:
      break;
  }
  return Verdict::failed;
}

}  // namespace farthing::diameter
