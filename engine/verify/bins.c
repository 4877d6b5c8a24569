/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/bins.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/url.h"
#include "cjson/reader.h"
#include "hash/hash.h"
#include "verify/published.h"

#define KEY_BATCH      512                 /* paths hashed in one call */
#define SLOW_BYTES_MAX ((size_t)256 << 20) /* larger files are not examined with jansson */
#define ENTRY_FIELDS   "hashes length"

static const struct stp_document_rule bin_rule = {
    "targets", "_type delegations expires spec_version targets version", STP_BIN_FILE_BYTES_MAX, 0};

struct shared {
	const struct stp_bins_options *options;
	atomic_size_t next;
	uint8_t *hash_sets; /* per bin */
	struct worker *workers;
};

struct worker {
	struct shared *shared;
	struct stp_bins_totals totals;
	struct stp_buf file;
	struct stp_bin_file bin;
	const struct stp_chain_bin *item;
	size_t index;
	size_t worker_index;
	char name[256];
	uint32_t seen[STP_FINDING_CODE_COUNT]; /* findings of this bin */
	const uint8_t *paths[KEY_BATCH];
	size_t path_bytes[KEY_BATCH];
	uint8_t keys[KEY_BATCH][32];
};

void stp_bin_file_name(const struct stp_chain_bin *bin, char *out, size_t size)
{
	snprintf(out, size, "%" PRIu64 ".%s.json", bin->listed->version, bin->role);
}

/* Adds a finding about the worker's bin; after many of the same kind it is only counted. */
static void add(struct worker *w, enum stp_finding_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct worker *w, enum stp_finding_code code, const char *format, ...)
{
	struct stp_finding_list *findings = w->shared->options->findings;
	char text[480];
	va_list args;

	if (++w->seen[code] > STP_BINS_FINDINGS_MAX) {
		stp_finding_count(findings, code, 1);
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stp_finding_add(findings, code, w->name, "%s", text);
}

static void say_what_was_cut(struct worker *w)
{
	int i;

	for (i = 0; i < STP_FINDING_CODE_COUNT; i++)
		if (w->seen[i] > STP_BINS_FINDINGS_MAX)
			stp_finding_add(w->shared->options->findings, STP_FINDING_FINDINGS_CUT,
			                w->name, "has %" PRIu32 " more findings of %s",
			                w->seen[i] - STP_BINS_FINDINGS_MAX,
			                stp_finding_code_name((enum stp_finding_code)i));
}

static const struct stp_role *role_of(const struct worker *w)
{
	return &w->shared->options->tree->bin_roles[w->item->role_index];
}

static int sig_repeated(const struct stp_bin_file *bin, size_t index)
{
	const struct stp_bin_signature *s = &bin->signatures[index];
	size_t i;

	for (i = 0; i < index; i++)
		if (bin->signatures[i].keyid_chars == s->keyid_chars &&
		    memcmp(bin->signatures[i].keyid, s->keyid, s->keyid_chars) == 0)
			return 1;
	return 0;
}

/* Checks signature index of the bin; 1 when it counts. */
static unsigned check_signature(struct worker *w, size_t index)
{
	const struct stp_bin_signature *s = &w->bin.signatures[index];
	const struct stp_public_key *key = stp_role_key(role_of(w), s->keyid, s->keyid_chars);
	int twice =
	    w->index % STP_BINS_TWICE == 0 || w->shared->options->tree->bin_count <= STP_BINS_FEW;
	enum stp_signature_state state;
	struct stp_quote quote;

	stp_finding_quote(&quote, s->keyid, s->keyid_chars);
	if (sig_repeated(&w->bin, index)) {
		add(w, STP_FINDING_SIGNATURE_DUPLICATE, "key %s signs twice; it counts once",
		    quote.text);
		return 0;
	}
	if (!key) {
		add(w, STP_FINDING_SIGNATURE_STRANGER, "is signed by %s, which is not a key of %s",
		    quote.text, w->item->role);
		return 0;
	}
	state = stp_signature_check(key, (const uint8_t *)w->bin.body, w->bin.body_bytes, s->sig,
	                            s->sig_chars, twice ? STP_LIBRARIES_BOTH : STP_LIBRARIES_ONE);
	w->totals.tally.checked++;
	w->totals.tally.checked_twice += twice && key->scheme->kind == STP_KEY_KIND_ED25519;
	if (state == STP_SIGNATURE_DISPUTED)
		add(w, STP_FINDING_SIGNATURE_DISAGREE,
		    "libsodium and libcrypto disagree on the signature of %s", quote.text);
	else if (state == STP_SIGNATURE_BAD)
		add(w, STP_FINDING_SIGNATURE, "the signature of %s is wrong", quote.text);
	return state == STP_SIGNATURE_GOOD;
}

/* True when a threshold of the role signed. */
static int check_signatures(struct worker *w)
{
	const struct stp_role *role = role_of(w);
	uint64_t good = 0;
	size_t i;

	for (i = 0; i < w->bin.signature_count; i++)
		good += check_signature(w, i);
	if (role->threshold != UINT64_MAX && good < role->threshold)
		add(w, STP_FINDING_THRESHOLD,
		    "has %" PRIu64 " good signatures of %s, needs %" PRIu64, good, w->item->role,
		    role->threshold);
	return good >= role->threshold;
}

static void note_expiry(struct worker *w, int64_t expires)
{
	const struct stp_bins_options *options = w->shared->options;

	stp_chain_check_expiry(options->findings, w->name, expires, options->now,
	                       options->expires_within_s);
	if (w->totals.expires_min == 0 || expires < w->totals.expires_min)
		w->totals.expires_min = expires;
	if (expires > w->totals.expires_max)
		w->totals.expires_max = expires;
}

static void check_version(struct worker *w, uint64_t version)
{
	if (version != w->item->listed->version)
		add(w, STP_FINDING_VERSION, "has version %" PRIu64 ", but is listed as %" PRIu64,
		    version, w->item->listed->version);
	if (version > w->totals.version_max)
		w->totals.version_max = version;
}

static void check_head(struct worker *w)
{
	const struct stp_bin_file *bin = &w->bin;
	struct stp_quote quote;
	int64_t expires;

	check_version(w, bin->version);
	if (stp_expires_parse(bin->expires, bin->expires_chars, &expires))
		note_expiry(w, expires);
	else
		add(w, STP_FINDING_FIELD, "signed.expires is \"%s\", not YYYY-MM-DDTHH:MM:SSZ",
		    stp_finding_quote(&quote, bin->expires, bin->expires_chars));
	if (bin->spec_version_chars < 5 || memcmp(bin->spec_version, "1.0.", 4) != 0)
		add(w, STP_FINDING_SPEC_VERSION, "spec_version is \"%s\"; clients of 1.0 refuse it",
		    stp_finding_quote(&quote, bin->spec_version, bin->spec_version_chars));
}

/* Adds the entry to the sums, and checks what needs no hash. */
static void note_target(struct worker *w, const char *path, size_t path_bytes, uint64_t length)
{
	const char *problem = stp_target_path_problem(path, path_bytes);
	const char *url_problem = stp_url_problem(path, path_bytes);
	struct stp_quote quote;

	if (problem)
		add(w, STP_FINDING_TARGET_PATH, "target \"%s\" %s",
		    stp_finding_quote(&quote, path, path_bytes), problem);
	if (url_problem)
		add(w, STP_FINDING_TARGET_URL, "target \"%s\" %s: no client can fetch it",
		    stp_finding_quote(&quote, path, path_bytes), url_problem);
	w->totals.target_count++;
	w->totals.target_bytes = stp_sum_add(w->totals.target_bytes, length);
	w->totals.path_bytes += path_bytes;
	w->totals.targets_empty += length == 0;
	if (path_bytes > w->totals.path_bytes_max)
		w->totals.path_bytes_max = path_bytes;
}

static void check_place(struct worker *w, const uint8_t key[32], const char *path,
                        size_t path_bytes)
{
	uint32_t bin = stp_chain_bin_of(w->shared->options->tree, stp_load64_be(key));
	const struct stp_chain *tree = w->shared->options->tree;
	struct stp_quote quote;

	if (bin == w->index)
		return;
	stp_finding_quote(&quote, path, path_bytes);
	add(w, STP_FINDING_TARGET_BIN, "target \"%s\" belongs in %s: clients never find it here",
	    quote.text, bin < tree->bin_count ? tree->bin_items[bin].role : "no bin at all");
}

/* Hashes up to KEY_BATCH paths at once, and checks in which bin each belongs. */
static void check_places(struct worker *w, const struct stp_bin_entry *entries, size_t count)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		w->paths[n] = (const uint8_t *)entries[i].path;
		w->path_bytes[n++] = entries[i].path_bytes;
	}
	stp_hash_many(STP_ALG_SHA256, w->paths, w->path_bytes, n, NULL, 0, w->keys[0],
	              sizeof(w->keys[0]));
	for (i = 0; i < count; i++)
		check_place(w, w->keys[i], entries[i].path, entries[i].path_bytes);
}

static void check_entries(struct worker *w)
{
	const struct stp_bin_file *bin = &w->bin;
	size_t i;

	for (i = 0; i < bin->entry_count; i++)
		note_target(w, bin->entries[i].path, bin->entries[i].path_bytes,
		            bin->entries[i].length);
	for (i = 0; i < bin->entry_count; i += KEY_BATCH)
		check_places(w, bin->entries + i,
		             bin->entry_count - i < KEY_BATCH ? bin->entry_count - i : KEY_BATCH);
	w->shared->hash_sets[w->index] = (uint8_t)bin->hash_set;
}

/* ------------------------------------------------ files that are not canonical bins */

/* The algorithms of one entry's hashes; findings for what is malformed. */
static unsigned slow_hashes(struct worker *w, json_t *hashes, const char *path)
{
	unsigned set = 0;
	struct stp_quote quote, other;
	const char *name;
	json_t *value;

	stp_finding_quote(&quote, path, strlen(path));
	json_object_foreach(hashes, name, value)
	{
		int alg = stp_alg_from_name(name, strlen(name));
		uint8_t digest[STP_DIGEST_BYTES_MAX];
		const char *hex = json_string_value(value);

		if (alg < 0) {
			add(w, STP_FINDING_TARGET_HASHES, "target \"%s\" has a hash \"%s\"",
			    quote.text, stp_finding_quote(&other, name, strlen(name)));
			continue;
		}
		if (hex &&
		    json_string_length(value) == 2 * stp_alg_digest_bytes((enum stp_alg)alg) &&
		    stp_hex_decode(hex, stp_alg_digest_bytes((enum stp_alg)alg), digest, 0))
			set |= STP_ALG_BIT(alg);
		else
			add(w, STP_FINDING_TARGET_ENTRY,
			    "target \"%s\": %s is not a lower-case hex digest of %zu bytes",
			    quote.text, name, stp_alg_digest_bytes((enum stp_alg)alg));
	}
	if (!set)
		add(w, STP_FINDING_TARGET_ENTRY, "target \"%s\" has no digest that can be checked",
		    quote.text);
	return set;
}

/* Checks one target that jansson has read; returns its set of algorithms. */
static unsigned slow_entry(struct worker *w, struct stp_document *doc, const char *path,
                           json_t *entry)
{
	json_t *length = json_object_get(entry, "length"),
	       *hashes = json_object_get(entry, "hashes");
	struct stp_quote quote;
	uint8_t key[32];
	size_t path_bytes = strlen(path);
	int length_ok = json_is_integer(length) && json_integer_value(length) >= 0;

	stp_finding_quote(&quote, path, path_bytes);
	note_target(w, path, path_bytes, length_ok ? (uint64_t)json_integer_value(length) : 0);
	stp_hash_one(STP_ALG_SHA256, path, path_bytes, key);
	check_place(w, key, path, path_bytes);
	if (!length_ok)
		add(w, STP_FINDING_TARGET_ENTRY, "target \"%s\" has no length", quote.text);
	if (!json_is_object(hashes)) {
		add(w, STP_FINDING_TARGET_ENTRY, "target \"%s\" has no hashes", quote.text);
		return 0;
	}
	stp_document_known(doc, entry, quote.text, ENTRY_FIELDS);
	return slow_hashes(w, hashes, path);
}

static void slow_targets(struct worker *w, struct stp_document *doc)
{
	json_t *targets =
	    stp_document_member(doc, doc->body_json, "signed", "targets", JSON_OBJECT);
	unsigned first = 0;
	struct stp_quote quote;
	const char *path;
	json_t *entry;

	json_object_foreach(targets, path, entry)
	{
		unsigned set = slow_entry(w, doc, path, entry);

		if (!first)
			first = set;
		if (set && set != first)
			add(w, STP_FINDING_TARGET_HASHES,
			    "target \"%s\" has other algorithms than the targets before it",
			    stp_finding_quote(&quote, path, strlen(path)));
	}
	w->shared->hash_sets[w->index] = (uint8_t)first;
}

static void slow_delegations(struct stp_document *doc)
{
	json_t *delegations = json_object_get(doc->body_json, "delegations");

	if (json_array_size(json_object_get(delegations, "roles")) ||
	    json_object_get(delegations, "succinct_roles"))
		stp_finding_add(doc->findings, STP_FINDING_DELEGATION, doc->name,
		                "delegates further: what is below a bin is not audited");
}

/* Names what is different in a file that stp_bin_file_parse() does not accept, using jansson. */
static enum stp_errc check_slowly(struct worker *w, struct stp_err *err)
{
	const struct stp_bins_options *options = w->shared->options;
	struct stp_document doc;
	enum stp_errc code;
	int usable;

	if (w->file.count > SLOW_BYTES_MAX) {
		add(w, STP_FINDING_CANONICAL, "is not a bin in canonical form, from byte %zu on",
		    w->bin.fault_at);
		return STP_OK;
	}
	code =
	    stp_document_parse(&doc, &w->file, w->name, &bin_rule, options->findings, &usable, err);
	if (code == STP_OK && usable) {
		check_version(w, doc.version);
		if (doc.expires)
			note_expiry(w, doc.expires);
		stp_document_signed_by(&doc, role_of(w), NULL, w->item->role, &w->totals.tally);
		slow_delegations(&doc);
		slow_targets(w, &doc);
	}
	stp_document_release(&doc);
	return code;
}

/* ---------------------------------------------------------------------------- workers */

static enum stp_errc audit_bin(struct worker *w, struct stp_err *err)
{
	const struct stp_bins_options *options = w->shared->options;
	enum stp_bin_file_state state;
	int there, is_signed;

	memset(w->seen, 0, sizeof(w->seen));
	stp_bin_file_name(w->item, w->name, sizeof(w->name));
	STP_TRY(stp_published_read(options->tree->folder_fd, w->name, STP_BIN_FILE_BYTES_MAX,
	                           &w->file, options->findings, &there, err));
	if (!there)
		return STP_OK;
	w->totals.bins_read++;
	w->totals.file_bytes += w->file.count;
	if (w->file.count > w->totals.file_bytes_max)
		w->totals.file_bytes_max = w->file.count;
	if (options->tick)
		options->tick(options->tick_ctx, w->file.count);
	stp_listed_check(options->findings, w->name, w->item->listed, &w->file);
	state = stp_bin_file_parse(&w->bin, w->file.data, w->file.count);
	if (state == STP_BIN_FILE_NO_MEMORY)
		return STP_FAIL_ERRNO(err, ENOMEM, "verify", w->name, "cannot parse");
	if (state == STP_BIN_FILE_OTHER) {
		STP_TRY(check_slowly(w, err));
	} else {
		check_head(w);
		is_signed = check_signatures(w);
		check_entries(w);
		if (is_signed && options->take)
			STP_TRY(options->take(options->take_ctx, w->worker_index, w->index, &w->bin,
			                      err));
	}
	say_what_was_cut(w);
	return STP_OK;
}

static enum stp_errc work(void *ctx, size_t worker_index, struct stp_err *err)
{
	struct shared *shared = ctx;
	struct worker *w = &shared->workers[worker_index];
	const struct stp_chain *tree = shared->options->tree;

	for (;;) {
		size_t index = atomic_fetch_add_explicit(&shared->next, 1, memory_order_relaxed);

		if (index >= tree->bin_count)
			return STP_OK;
		if (stp_cancelled(shared->options->cancel))
			return STP_FAIL(err, STP_CANCELLED, "verify", "", "stopped");
		w->index = index;
		w->worker_index = worker_index;
		w->item = &tree->bin_items[index];
		if (w->item->listed)
			STP_TRY(audit_bin(w, err));
	}
}

static void merge_totals(struct stp_bins_totals *into, const struct stp_bins_totals *from)
{
	into->bins_read += from->bins_read;
	into->target_count += from->target_count;
	into->target_bytes = stp_sum_add(into->target_bytes, from->target_bytes);
	into->path_bytes += from->path_bytes;
	into->targets_empty += from->targets_empty;
	into->file_bytes += from->file_bytes;
	into->tally.checked += from->tally.checked;
	into->tally.checked_twice += from->tally.checked_twice;
	if (from->path_bytes_max > into->path_bytes_max)
		into->path_bytes_max = from->path_bytes_max;
	if (from->file_bytes_max > into->file_bytes_max)
		into->file_bytes_max = from->file_bytes_max;
	if (from->version_max > into->version_max)
		into->version_max = from->version_max;
	if (from->expires_max > into->expires_max)
		into->expires_max = from->expires_max;
	if (from->expires_min && (!into->expires_min || from->expires_min < into->expires_min))
		into->expires_min = from->expires_min;
}

/* All bins must carry the algorithms of the first one that has targets. */
static void compare_hash_sets(const struct shared *shared, struct stp_bins_totals *totals)
{
	const struct stp_chain *tree = shared->options->tree;
	size_t i;

	for (i = 0; i < tree->bin_count; i++) {
		char name[256];

		if (!shared->hash_sets[i] || shared->hash_sets[i] == totals->hash_set)
			continue;
		if (!totals->hash_set) {
			totals->hash_set = shared->hash_sets[i];
			continue;
		}
		stp_bin_file_name(&tree->bin_items[i], name, sizeof(name));
		stp_finding_add(
		    shared->options->findings, STP_FINDING_TARGET_HASHES, name,
		    "its targets have other algorithms than those of the bins before it");
	}
}

enum stp_errc stp_bins_audit(const struct stp_bins_options *options,
                             struct stp_bins_totals *out_totals, struct stp_err *err)
{
	size_t count = options->jobs ? options->jobs : 1;
	struct shared shared = {.options = options};
	enum stp_errc code;
	size_t i;

	memset(out_totals, 0, sizeof(*out_totals));
	shared.workers = calloc(count, sizeof(*shared.workers));
	shared.hash_sets = calloc(options->tree->bin_count + 1, 1);
	if (!shared.workers || !shared.hash_sets) {
		code = STP_FAIL_ERRNO(err, ENOMEM, "verify", "", "cannot start workers");
	} else {
		for (i = 0; i < count; i++)
			shared.workers[i].shared = &shared;
		code =
		    stp_workers_run(options->jobs, "verify", work, &shared, options->cancel, err);
		for (i = 0; i < count; i++)
			merge_totals(out_totals, &shared.workers[i].totals);
		compare_hash_sets(&shared, out_totals);
	}
	for (i = 0; shared.workers && i < count; i++) {
		stp_buf_release(&shared.workers[i].file);
		stp_bin_file_release(&shared.workers[i].bin);
	}
	free(shared.workers);
	free(shared.hash_sets);
	return code;
}
