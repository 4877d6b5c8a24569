/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/bin_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "cjson/reader.h"

/* Algorithms in the order of their names (canonical order of keys). */
static const enum stp_alg by_name[STP_ALG_COUNT] = {STP_ALG_BLAKE2B_256, STP_ALG_SHA256,
                                                    STP_ALG_SHA512};

void stp_bin_file_init(struct stp_bin_file *bin)
{
	memset(bin, 0, sizeof(*bin));
}

void stp_bin_file_release(struct stp_bin_file *bin)
{
	free(bin->entries);
	memset(bin, 0, sizeof(*bin));
}

/* True when a byte of the eight at p is below 0x21, above 0x7e, '"' or '\'. May be true for a
 * space, which is allowed: the caller then checks byte by byte. */
static inline int is_odd8(const char *p)
{
	const uint64_t ones = 0x0101010101010101ULL, high = 0x8080808080808080ULL;
	uint64_t v, quote, slash;

	memcpy(&v, p, 8);
	quote = v ^ (ones * '"');
	slash = v ^ (ones * '\\');
	return (((v - ones * 0x21) | (v + ones) | v | ((quote - ones) & ~quote) |
	         ((slash - ones) & ~slash)) &
	        high) != 0;
}

static int has_odd_byte(const char *path, size_t count)
{
	size_t i = 0;

	for (; i + 8 <= count; i += 8)
		if (is_odd8(path + i))
			break;
	for (; i < count; i++)
		if (path[i] < ' ' || path[i] > '~' || path[i] == '"' || path[i] == '\\')
			return 1;
	return 0;
}

const char *stp_target_path_problem(const char *path, size_t count)
{
	const char *at = path, *end = path + count;

	if (count == 0)
		return "is empty";
	if (count > STP_PATH_BYTES_MAX)
		return "is too long";
	if (has_odd_byte(path, count))
		return "holds a byte that is not printable ASCII, or a quote or backslash";
	if (path[0] == '/')
		return "is absolute";
	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t bytes = (size_t)((slash ? slash : end) - at);

		if (bytes == 0)
			return "has an empty segment";
		if (bytes > STP_NAME_BYTES_MAX)
			return "has a segment that is too long";
		if (at[0] == '.' && (bytes == 1 || (bytes == 2 && at[1] == '.')))
			return "has a segment \".\" or \"..\"";
		if (!slash)
			return NULL;
		at = slash + 1;
	}
}

/* A string without escapes. */
static int read_plain(struct stp_cjson_cursor *c, const char **out_text, size_t *out_chars)
{
	struct stp_cjson_view view;

	if (!stp_cjson_take_string(c, &view) || view.escaped)
		return 0;
	*out_text = view.text;
	*out_chars = view.bytes;
	return 1;
}

static int parse_signatures(struct stp_bin_file *bin, struct stp_cjson_cursor *c)
{
	if (!STP_CJSON_EXPECT(c, "{\"signatures\":["))
		return 0;
	bin->signature_count = 0;
	while (stp_cjson_peek(c) != ']') {
		struct stp_bin_signature *s = &bin->signatures[bin->signature_count];

		if (bin->signature_count == STP_SIGNATURES_MAX ||
		    (bin->signature_count > 0 && !STP_CJSON_EXPECT(c, ",")) ||
		    !STP_CJSON_EXPECT(c, "{\"keyid\":") ||
		    !read_plain(c, &s->keyid, &s->keyid_chars) ||
		    !STP_CJSON_EXPECT(c, ",\"sig\":") || !read_plain(c, &s->sig, &s->sig_chars) ||
		    !STP_CJSON_EXPECT(c, "}"))
			return 0;
		bin->signature_count++;
	}
	return STP_CJSON_EXPECT(c, "],\"signed\":");
}

static int parse_head(struct stp_bin_file *bin, struct stp_cjson_cursor *c)
{
	if (!parse_signatures(bin, c))
		return 0;
	bin->body = (const char *)c->at;
	if (!STP_CJSON_EXPECT(c, "{\"_type\":\"targets\","))
		return 0;
	if (STP_CJSON_EXPECT(c, "\"delegations\":") &&
	    !STP_CJSON_EXPECT(c, "{\"keys\":{},\"roles\":[]},"))
		return 0;
	if (!STP_CJSON_EXPECT(c, "\"expires\":") ||
	    !read_plain(c, &bin->expires, &bin->expires_chars) ||
	    !STP_CJSON_EXPECT(c, ",\"spec_version\":") ||
	    !read_plain(c, &bin->spec_version, &bin->spec_version_chars) ||
	    !STP_CJSON_EXPECT(c, ",\"targets\":"))
		return 0;
	bin->targets = (const char *)c->at;
	return STP_CJSON_EXPECT(c, "{");
}

/* Parses the hashes of one entry: known algorithms in canonical order, the same set as in all
 * others. */
static int parse_hashes(struct stp_bin_file *bin, struct stp_bin_entry *entry,
                        struct stp_cjson_cursor *c)
{
	uint8_t digest[STP_DIGEST_BYTES_MAX];
	unsigned set = 0;
	size_t i;

	if (!STP_CJSON_EXPECT(c, ":{\"hashes\":{"))
		return 0;
	for (i = 0; i < STP_ALG_COUNT; i++) {
		static const struct {
			const char *text;
			size_t count;
		} names[] = {{"\"sha256\":", 9}, {"\"sha512\":", 9}, {"\"blake2b-256\":", 14}};
		enum stp_alg alg = by_name[i];

		entry->hex[alg] = NULL;
		if (bin->hash_set && !(bin->hash_set & STP_ALG_BIT(alg)))
			continue;
		if (set && stp_cjson_peek(c) == ',')
			c->at++;
		if (!stp_cjson_expect(c, names[alg].text, names[alg].count))
			continue;
		entry->hex[alg] = (const char *)c->at + 1;
		if (!stp_cjson_take_hex(c, digest, stp_alg_digest_bytes(alg)))
			return 0;
		set |= STP_ALG_BIT(alg);
	}
	if (!set || (bin->hash_set && set != bin->hash_set))
		return 0;
	bin->hash_set = set;
	return c->at[-1] == '"' && STP_CJSON_EXPECT(c, "},\"length\":") &&
	       stp_cjson_take_u64(c, &entry->length) && STP_CJSON_EXPECT(c, "}");
}

static enum stp_bin_file_state parse_entries(struct stp_bin_file *bin, struct stp_cjson_cursor *c)
{
	struct stp_cjson_view last = {NULL, 0, 0};

	while (stp_cjson_peek(c) != '}') {
		struct stp_cjson_view path;
		struct stp_bin_entry *entry;

		if (!STP_ARRAY_RESERVE(bin->entries, bin->entry_capacity, bin->entry_count + 1))
			return STP_BIN_FILE_NO_MEMORY;
		entry = &bin->entries[bin->entry_count];
		if ((bin->entry_count > 0 && !STP_CJSON_EXPECT(c, ",")) ||
		    !stp_cjson_take_string(c, &path) || path.bytes > UINT32_MAX ||
		    (bin->entry_count > 0 && stp_cjson_key_compare(&last, &path) >= 0) ||
		    !parse_hashes(bin, entry, c))
			return STP_BIN_FILE_OTHER;
		entry->path = path.text;
		entry->path_bytes = (uint32_t)path.bytes;
		entry->escaped = (uint32_t)path.escaped;
		last = path;
		bin->entry_count++;
	}
	return STP_BIN_FILE_OK;
}

enum stp_bin_file_state stp_bin_file_head(struct stp_bin_file *bin, const void *bytes, size_t count)
{
	struct stp_cjson_cursor c;

	stp_cjson_cursor_init(&c, bytes, count);
	bin->entry_count = 0;
	bin->hash_set = 0;
	if (parse_head(bin, &c))
		return STP_BIN_FILE_OK;
	bin->fault_at = (size_t)(c.at - c.begin);
	return STP_BIN_FILE_OTHER;
}

enum stp_bin_file_state stp_bin_file_parse(struct stp_bin_file *bin, const void *bytes,
                                           size_t count)
{
	enum stp_bin_file_state state;
	struct stp_cjson_cursor c;

	stp_cjson_cursor_init(&c, bytes, count);
	bin->entry_count = 0;
	bin->hash_set = 0;
	state = parse_head(bin, &c) ? parse_entries(bin, &c) : STP_BIN_FILE_OTHER;
	if (state == STP_BIN_FILE_OK &&
	    (!STP_CJSON_EXPECT(&c, "},\"version\":") || !stp_cjson_take_u64(&c, &bin->version) ||
	     !STP_CJSON_EXPECT(&c, "}")))
		state = STP_BIN_FILE_OTHER;
	if (state == STP_BIN_FILE_OK) {
		bin->body_bytes = (size_t)((const char *)c.at - bin->body);
		if (!STP_CJSON_EXPECT(&c, "}") || c.at != c.end)
			state = STP_BIN_FILE_OTHER;
	}
	if (state != STP_BIN_FILE_OK)
		bin->fault_at = (size_t)(c.at - c.begin);
	return state;
}
