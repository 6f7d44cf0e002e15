// Counts allocations, so it is a program of its own: it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "diameter/error_answer.h"
#include "diameter/message.h"
#include "diameter/peer.h"
#include "diameter/writer.h"
#include "tests/diameter/sample_messages.h"
#include "tests/diameter/test_client.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace farthing::diameter {
namespace {

TEST(Allocation, DecodingAndEncodingAllocateNothingOnceWarm) {
  Buffer request;
  testing::write_sample_request(request);
  const auto message = std::make_unique<Message>();
  Buffer answer;
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 1) before = allocations;  // The first one warms up.
    answer.clear();
    ASSERT_TRUE(decode(request.bytes(), *message).has_value());
    testing::write_sample_answer(answer, *message);
  }
  EXPECT_GT(before, 0u) << "the counter counts";
  EXPECT_EQ(allocations - before, 0u);
}

TEST(Allocation, RefusingAllocatesNothingOnceWarm) {
  Buffer request;
  testing::write_sample_request(request);
  request.data()[24] |= 1;  // A reserved bit in the first AVP.
  const auto message = std::make_unique<Message>();
  const Identity identity{"ocs.farthing.example", "farthing.example", 1};
  Buffer answer;
  std::size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 1) before = allocations;
    answer.clear();
    const auto result = decode(request.bytes(), *message);
    ASSERT_TRUE(result.has_error());
    const DecodeError error = result.error();
    write_error_answer(answer, *message, identity, error.code, error.failed_avp);
  }
  EXPECT_EQ(allocations - before, 0u);
}

// Holds every answer, as a server with a ledger does.
class HoldingApplication : public Application {
 public:
  void on_request(Peer& peer, const Message& request) override {
    testing::write_sample_answer(peer.held_buffer(), request);
  }
};

TEST(Allocation, APeerAllocatesNothingForARequestOnceWarm) {
  ServerConfig config;
  config.identity = {"ocs.farthing.example", "farthing.example", 1};
  config.peers_allowed = {{}};
  HoldingApplication application;
  const auto context = std::make_unique<PeerContext>(config, application);
  Peer peer(*context, 1, *IpAddress::parse("127.0.0.1"), *IpAddress::parse("127.0.0.1"));
  Buffer cer;
  testing::write_cer(cer, "client.example");
  const MonotonicTime now{};
  peer.receive(cer.bytes(), now);
  ASSERT_EQ(peer.state(), PeerState::open);
  Buffer requests;
  for (int i = 0; i < 50; ++i) testing::write_sample_request(requests);

  Buffer output;
  std::size_t before = 0;
  for (int i = 0; i < 20; ++i) {
    if (i == 10) before = allocations;  // All buffers have gone through all their roles.
    ASSERT_EQ(peer.receive(requests.bytes(), now), requests.size());
    context->committing.swap(context->gathering);
    peer.seal_held();
    peer.release_held();
    context->committing.clear();
    output.clear();
    peer.take_ready(output);
    peer.unlist_ready();
    context->ready.clear();
    ASSERT_FALSE(output.empty());
  }
  EXPECT_EQ(allocations - before, 0u);
}

}  // namespace
}  // namespace farthing::diameter
