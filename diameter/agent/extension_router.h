// The router as the extension's C sees it (extension.c). Nothing here throws.
//
// Ownership: open gives a router that close takes. Threads: as router.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct farthing_router;

// What a request's octets came to; filled by decide, read by preference.
struct farthing_decision {
  uint8_t kind;
  uint16_t server;
  const void* partition;
  const char* client;
  size_t client_bytes;
};

// From the map in a file. NULL where it cannot be, with the reason in `error`.
struct farthing_router* farthing_router_open(const char* map_file, char* error, size_t error_bytes);
void farthing_router_close(struct farthing_router* router);

// A whole request. The decision lives no longer than its octets.
void farthing_router_decide(struct farthing_router* router, const uint8_t* request, size_t bytes,
                            struct farthing_decision* decision);
// How much a peer is wanted: above 0, the more the better; 0, as the agent has it; below 0, never.
int farthing_router_preference(const struct farthing_router* router,
                               const struct farthing_decision* decision, const char* peer,
                               size_t peer_bytes);
// A whole answer, and the peer that it came from.
void farthing_router_learn(struct farthing_router* router, const uint8_t* answer, size_t bytes,
                           const char* peer, size_t peer_bytes);

#ifdef __cplusplus
}
#endif
