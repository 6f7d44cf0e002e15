/* What freeDiameter's parser makes of frames, as codec_print says it, for compare_parsers:
 *
 *   freediameter_print EXTENSIONS FILE...
 *
 * EXTENSIONS is the folder of freeDiameter's extensions, whose dictionaries are loaded. Codes
 * of refusals are names, and "5014" is what cannot be taken apart at all. */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { header_size = 20, group_depth_max = 64 };

static int load_dictionary(const char* folder, const char* name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s.fdx", folder, name);
  void* const library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int (*entry)(int, int, char*) = NULL;
  *(void**)&entry = dlsym(library, "fd_ext_init");
  return entry == NULL ||
         entry(FD_PROJECT_VERSION_MAJOR, FD_PROJECT_VERSION_MINOR, NULL) != 0;
}

static void print_value(struct avp* avp, const struct avp_hdr* header) {
  struct dict_object* model = NULL;
  struct dict_avp_data known;
  if (fd_msg_model(avp, &model) != 0 || model == NULL || fd_dict_getval(model, &known) != 0) {
    printf("\toctets\t\n");
    return;
  }
  printf("%s\t", known.avp_name);
  if (known.avp_basetype == AVP_TYPE_GROUPED) {
    printf("group\t\n");
  } else if (header->avp_value == NULL || known.avp_basetype == AVP_TYPE_OCTETSTRING) {
    printf("octets\t\n");
  } else if (known.avp_basetype == AVP_TYPE_UNSIGNED32) {
    printf("number\t%" PRIu32 "\n", header->avp_value->u32);
  } else if (known.avp_basetype == AVP_TYPE_INTEGER32) {
    printf("number\t%" PRId32 "\n", header->avp_value->i32);
  } else if (known.avp_basetype == AVP_TYPE_UNSIGNED64) {
    printf("number\t%" PRIu64 "\n", header->avp_value->u64);
  } else if (known.avp_basetype == AVP_TYPE_INTEGER64) {
    printf("number\t%" PRId64 "\n", header->avp_value->i64);
  } else {
    printf("octets\t\n");
  }
}

/* The AVPs of a message or a group, the first of which begins at `offset`. */
static void print_avps(msg_or_avp* parent, size_t offset) {
  struct avp* avp = NULL;
  if (fd_msg_browse(parent, MSG_BRW_FIRST_CHILD, &avp, NULL) != 0) return;
  while (avp != NULL) {
    struct avp_hdr* header = NULL;
    if (fd_msg_avp_hdr(avp, &header) != 0) return;
    const uint32_t vendor = (header->avp_flags & AVP_FLAG_VENDOR) != 0 ? header->avp_vendor : 0;
    printf("%zu\t%u\t%u\t%u\t%u\t", offset, header->avp_code, vendor, header->avp_flags,
           header->avp_len);
    print_value(avp, header);
    print_avps(avp, offset + ((header->avp_flags & AVP_FLAG_VENDOR) != 0 ? 12 : 8));
    offset += (header->avp_len + 3u) & ~(size_t)3;
    if (fd_msg_browse(avp, MSG_BRW_NEXT, &avp, NULL) != 0) return;
  }
}

/* The frame's octets, to be freed by the parser; NULL: it cannot be read. */
static uint8_t* read_frame(const char* path, size_t* size) {
  FILE* const file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) return NULL;
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t* const frame = malloc(*size + 1);
  const size_t read = frame == NULL ? 0 : fread(frame, 1, *size, file);
  fclose(file);
  return read == *size ? frame : NULL;
}

static int print_frame(const char* path) {
  size_t size = 0;
  uint8_t* frame = read_frame(path, &size);
  if (frame == NULL || size < header_size) return 1;
  struct msg* message = NULL;
  if (fd_msg_parse_buffer(&frame, size, &message) != 0) {
    printf("frame\t5014\n");
    free(frame);
    return 0;
  }
  struct fd_pei wrong;
  memset(&wrong, 0, sizeof wrong);
  if (fd_msg_parse_dict(message, fd_g_config->cnf_dict, &wrong) != 0) {
    printf("frame\t%s\n", wrong.pei_errcode != NULL ? wrong.pei_errcode : "refused");
    if (wrong.pei_avp_free) fd_msg_free(wrong.pei_avp);
  } else {
    printf("frame\t0\n");
    print_avps(message, header_size);
  }
  fd_msg_free(message);
  return 0;
}

static void log_nothing(int level, const char* format, va_list arguments) {
  (void)level;
  (void)format;
  (void)arguments;
}

int main(int argc, char** argv) {
  static const char* const dictionaries[] = {"dict_nasreq", "dict_dcca", "dict_dcca_3gpp"};
  if (argc < 2) return 2;
  if (fd_log_handler_register(log_nothing) != 0 || fd_core_initialize() != 0) return 1;
  for (size_t i = 0; i < sizeof dictionaries / sizeof *dictionaries; ++i) {
    if (load_dictionary(argv[1], dictionaries[i]) != 0) return 1;
  }
  for (int i = 2; i < argc; ++i) {
    if (print_frame(argv[i]) != 0) return 1;
  }
  fflush(stdout);
  _exit(0); /* libfdcore was never started, so there is nothing to shut down. */
}
